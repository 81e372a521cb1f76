import type { ErrorCode } from '@countersign/core';
import { expect } from 'vitest';
import { auditRecords, type Enrollment } from './enrollment-fixture.ts';
import {
  certified,
  nullSigned,
  regInfo,
  taggedRequest,
  type ForeignRequest,
  type SignerOptions,
} from './foreign-cmc.ts';
import { refusal } from './refusal.ts';

/** RegInfo that names alice. */
export const named = String.raw`requestername=CONTOSO\alice`;

/** A request that would be granted, but for what the test makes of it. */
export function soundRequest(
  { agentKey, agentCertificate, alice }: Enrollment,
  options?: SignerOptions,
): ForeignRequest {
  return {
    controls: [regInfo(2, named)],
    requests: [taggedRequest(nullSigned(alice.key.publicKey))],
    signers: [certified(agentKey, agentCertificate, options)],
  };
}

/** The CA refuses with this code, and its audit says so. */
export async function expectRefused(
  { ca, ledger }: Enrollment,
  der: Uint8Array,
  code: ErrorCode,
  message?: RegExp,
): Promise<void> {
  const error = await refusal(async () => ca.issue(der));
  expect(`${error.code}: ${error.message}`).toMatch(new RegExp(`^${code}: `));
  if (message !== undefined) expect(error.message).toMatch(message);
  const last = (await auditRecords(ledger)).at(-1);
  expect(last).toMatchObject({ event: 'request-refused', details: { code } });
}
