import { createHash } from 'node:crypto';
import type { CountersignError } from '@countersign/core';
import { expect } from 'vitest';
import type { Enrollment } from './enrollment-fixture.ts';
import { refusal } from './refusal.ts';

/**
 * Hands something in at the CA, demands that it is refused, and that the refusal left one line in the audit trail and
 * nothing else in the ledger.
 */
export async function refusedByCa(
  { ca, ledger }: Pick<Enrollment, 'ca' | 'ledger'>,
  countersigned: Uint8Array,
): Promise<CountersignError> {
  const reserved = ledger.reservations.length;
  const recorded = ledger.recorded.length;
  const audited = (await ledger.audit()).length;
  const error = await refusal(async () => ca.issue(countersigned));
  expect(ledger.reservations).toHaveLength(reserved);
  expect(ledger.recorded).toHaveLength(recorded);
  const added = (await ledger.audit()).slice(audited);
  const requestDigest = createHash('sha256').update(countersigned).digest('hex');
  expect(added).toMatchObject([
    { number: audited + 1, event: 'request-refused', details: { code: error.code, requestDigest } },
  ]);
  return error;
}
