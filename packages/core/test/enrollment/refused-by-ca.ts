import { createHash } from 'node:crypto';
import type { CountersignError, OperatorOrder } from '@countersign/core';
import { expect } from 'vitest';
import type { Enrollment } from './enrollment-fixture.ts';
import { refusal } from './refusal.ts';

/**
 * Hands something in at the CA, demands that it is refused, that the CA's key signed nothing, and that the refusal left
 * one line in the audit trail and nothing else in the ledger.
 * @param order where an operator hands it in
 */
export async function refusedByCa(
  { ca, ledger, caSigned = [] }: Pick<Enrollment, 'ca' | 'ledger'> & Partial<Pick<Enrollment, 'caSigned'>>,
  request: Uint8Array,
  order?: OperatorOrder,
): Promise<CountersignError> {
  const reserved = ledger.reservations.length;
  const recorded = ledger.recorded.length;
  const audited = (await ledger.audit()).length;
  const signed = caSigned.length;
  const error = await refusal(async () =>
    order === undefined ? ca.issue(request) : ca.issueForOperator(request, order),
  );
  expect(caSigned).toHaveLength(signed);
  expect(ledger.reservations).toHaveLength(reserved);
  expect(ledger.recorded).toHaveLength(recorded);
  const added = (await ledger.audit()).slice(audited);
  const requestDigest = createHash('sha256').update(request).digest('hex');
  expect(added).toMatchObject([
    { number: audited + 1, event: 'request-refused', details: { code: error.code, requestDigest } },
  ]);
  return error;
}
