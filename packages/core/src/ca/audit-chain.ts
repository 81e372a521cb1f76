import { createHash } from 'node:crypto';
import { CountersignError } from '../errors.ts';
import type { AuditEvent, AuditRecord } from './ledger.ts';

/** The hash before record number 1. */
export const auditChainStart = '0'.repeat(64);

/** The hash of a record: SHA-256 over a JSON array of everything in it and of the hash before it. */
export function auditRecordHash(previousHash: string, number: number, event: AuditEvent): string {
  const canonical = JSON.stringify([
    previousHash,
    number,
    event.at.toISOString(),
    event.event,
    Object.entries(event.details),
  ]);
  return createHash('sha256').update(canonical).digest('hex');
}

/**
 * Walks the whole chain. Detects a record that was altered, removed from the middle, added or reordered; records cut
 * off at the end show only to someone who kept a later `number` and `hash`.
 * @throws CountersignError `AUDIT_CHAIN_BROKEN` naming the first record that does not fit.
 */
export async function verifyAuditChain(
  records: AsyncIterable<AuditRecord>,
): Promise<{ readonly count: number; readonly headHash: string }> {
  let count = 0;
  let headHash = auditChainStart;
  for await (const record of records) {
    if (record.number !== count + 1) {
      throw chainBroken(`record ${count + 1} is missing: number ${record.number} stands in its place`);
    }
    if (record.hash !== auditRecordHash(headHash, record.number, record)) {
      throw chainBroken(
        `record ${record.number} does not match its hash: it or the one before it was altered`,
      );
    }
    count = record.number;
    headHash = record.hash;
  }
  return { count, headHash };
}

function chainBroken(found: string): CountersignError {
  return new CountersignError(
    'AUDIT_CHAIN_BROKEN',
    `the audit trail is not whole: ${found}`,
    'Stop issuing, keep the ledger as it is, and compare it with a backup.',
  );
}
