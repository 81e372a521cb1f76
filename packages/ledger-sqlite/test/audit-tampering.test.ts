import { join } from 'node:path';
import Database from 'better-sqlite3';
import { auditRecordHash, type CountersignError, type Ledger, verifyAuditChain } from '@countersign/core';
import { openSqliteLedger } from '@countersign/ledger-sqlite';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { refusal } from './refusal.ts';
import { reservationFor } from './reservations.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A ledger with `count` audit records, and a connection of someone who edits the file behind its back. */
async function tamperedLedger(count: number, statements: readonly string[]): Promise<Ledger> {
  const path = join(await temporaryFolder(), 'ledger.db');
  const ledger = await openSqliteLedger(path);
  for (let number = 1; number <= count; number++) {
    await ledger.appendAudit({ at: new Date(number), event: 'e', details: { number: String(number) } });
  }
  const raw = new Database(path);
  for (const trigger of ['audit_kept_on_update', 'audit_kept_on_delete', 'audit_has_no_gap']) {
    raw.exec(`DROP TRIGGER ${trigger}`);
  }
  raw.pragma('ignore_check_constraints = ON');
  for (const statement of statements) {
    raw.exec(statement);
  }
  raw.close();
  return ledger;
}

async function brokenChain(statements: readonly string[]): Promise<CountersignError> {
  const ledger = await tamperedLedger(5, statements);
  const error = await refusal(verifyAuditChain(ledger.readAudit()), 'AUDIT_CHAIN_BROKEN');
  await ledger.close();
  return error;
}

const rehashed = auditRecordHash('0'.repeat(64), 1, {
  at: new Date(1),
  event: 'other',
  details: { number: '1' },
});

describe('an audit trail edited behind the back of the ledger', () => {
  test.each([
    ['an event altered', `UPDATE audit SET event = 'f' WHERE number = 3`, /record 3 does not match/],
    ['a time altered', `UPDATE audit SET at_ms = at_ms + 1 WHERE number = 2`, /record 2 does not match/],
    [
      'a detail altered',
      `UPDATE audit SET details = '[["number","7"]]' WHERE number = 5`,
      /record 5 does not match/,
    ],
    ['a detail removed', `UPDATE audit SET details = '[]' WHERE number = 1`, /record 1 does not match/],
    [
      'a hash altered',
      `UPDATE audit SET hash = '${'a'.repeat(64)}' WHERE number = 4`,
      /record 4 does not match/,
    ],
    [
      'a record altered and given its new hash',
      `UPDATE audit SET event = 'other', hash = '${rehashed}' WHERE number = 1`,
      /record 2 does not match/,
    ],
    ['the first record removed', 'DELETE FROM audit WHERE number = 1', /record 1 is missing/],
    ['a record removed', 'DELETE FROM audit WHERE number = 3', /record 3 is missing/],
    [
      'a record removed and the rest renumbered',
      'DELETE FROM audit WHERE number = 3; UPDATE audit SET number = number - 1 WHERE number > 3',
      /record 3 does not match/,
    ],
    [
      'two records reordered',
      'UPDATE audit SET number = 99 WHERE number = 2; UPDATE audit SET number = 2 WHERE number = 3; UPDATE audit SET number = 3 WHERE number = 99',
      /record 2 does not match/,
    ],
    [
      'a record put in front',
      `INSERT INTO audit SELECT 0, at_ms, event, details, hash FROM audit WHERE number = 1`,
      /record 1 is missing: number 0/,
    ],
    [
      'a record added at the end',
      `INSERT INTO audit SELECT 6, at_ms, event, details, hash FROM audit WHERE number = 5`,
      /record 6 does not match/,
    ],
    [
      'details that are not JSON',
      `UPDATE audit SET details = 'x' WHERE number = 4`,
      /record 4 cannot be read/,
    ],
    [
      'details that are not pairs',
      `UPDATE audit SET details = '[["a"]]' WHERE number = 2`,
      /record 2 cannot be read/,
    ],
    [
      'details that are not strings',
      `UPDATE audit SET details = '[["a",1]]' WHERE number = 2`,
      /record 2 cannot be/,
    ],
    [
      'details that are an object',
      `UPDATE audit SET details = '{}' WHERE number = 2`,
      /record 2 cannot be read/,
    ],
    [
      'a time out of range',
      `UPDATE audit SET at_ms = 9000000000000000 WHERE number = 2`,
      /record 2 cannot be read/,
    ],
  ])('shows: %s', async (_, statement, message) => {
    expect((await brokenChain([statement])).message).toMatch(message);
  });

  test('shows, whichever record is altered in whichever way', async () => {
    const column = fc.constantFrom(
      'at_ms = at_ms + 1',
      `event = event || 'x'`,
      `hash = lower(hex(randomblob(32)))`,
    );
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), column, async (number, assignment) => {
        const { message } = await brokenChain([`UPDATE audit SET ${assignment} WHERE number = ${number}`]);
        expect(message).toContain(`record ${number} does not match`);
      }),
      { numRuns: 15 },
    );
  });

  test('is found shorter than the head that was kept, if its end was cut off', async () => {
    const ledger = await tamperedLedger(5, ['DELETE FROM audit WHERE number > 3']);
    expect((await verifyAuditChain(ledger.readAudit())).count).toBe(3);
    await ledger.close();
  });

  test('takes no further record if the last one cannot be read', async () => {
    const ledger = await tamperedLedger(2, [`UPDATE audit SET details = 'x' WHERE number = 2`]);
    await refusal(ledger.appendAudit({ at: new Date(0), event: 'e', details: {} }), 'AUDIT_CHAIN_BROKEN');
    await ledger.close();
  });
});

describe('triggers keep what was written', () => {
  test.each([
    'UPDATE audit SET event = 1',
    'DELETE FROM audit',
    'INSERT OR REPLACE INTO audit SELECT * FROM audit',
    `INSERT INTO audit SELECT 7, at_ms, event, details, hash FROM audit`,
    `UPDATE certificate SET certificate = x'00'`,
    'DELETE FROM certificate',
    `INSERT OR REPLACE INTO certificate SELECT serial_number, x'00' FROM certificate`,
    `UPDATE reservation SET request_digest = '${'0'.repeat(64)}'`,
    'DELETE FROM reservation',
    'INSERT OR REPLACE INTO reservation SELECT * FROM reservation',
    `UPDATE revocation SET reason = 'unspecified'`,
    'DELETE FROM revocation',
    `INSERT OR REPLACE INTO revocation SELECT * FROM revocation`,
    'UPDATE crl SET is_complete = 0',
    'DELETE FROM crl',
    'INSERT OR REPLACE INTO crl VALUES (1, 1, 0, 0)',
    'INSERT OR REPLACE INTO reservation SELECT * FROM reservation',
  ])('%s', async (statement) => {
    const path = join(await temporaryFolder(), 'ledger.db');
    const ledger = await openSqliteLedger(path);
    const { serialNumber } = reservationFor('a');
    await ledger.reserve(reservationFor('a'));
    await ledger.record(serialNumber, Uint8Array.of(1));
    await ledger.revoke(serialNumber, { reason: 'superseded', revokedAt: new Date(0) });
    await ledger.appendAudit({ at: new Date(0), event: 'e', details: {} });
    await ledger.beginCrl(new Date(0));
    const before = await ledger.find(serialNumber);

    const raw = new Database(path);
    raw.pragma('foreign_keys = OFF');
    expect(() => raw.exec(statement)).toThrow(/never|next number|greater/u);
    raw.close();
    expect(await ledger.find(serialNumber)).toEqual(before);
    expect((await verifyAuditChain(ledger.readAudit())).count).toBe(1);
    expect((await ledger.beginCrl(new Date(0))).number).toBe(2);
    await ledger.close();
  });
});
