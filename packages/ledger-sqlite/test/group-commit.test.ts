import { join } from 'node:path';
import Database from 'better-sqlite3';
import { verifyAuditChain } from '@countersign/core';
import { openSqliteLedger } from '@countersign/ledger-sqlite';
import { expect, test } from 'vitest';
import { refusal } from './refusal.ts';
import { reservationFor } from './reservations.ts';
import { temporaryFolder } from './temporary-folder.ts';

test('writes asked for at once all happen, in their order', async () => {
  const ledger = await openSqliteLedger(join(await temporaryFolder(), 'ledger.db'));
  const events = Array.from({ length: 300 }, (_, i) => ({
    at: new Date(i),
    event: `event ${i}`,
    details: {},
  }));
  const records = await Promise.all(events.map((event) => ledger.appendAudit(event)));
  expect(records.map(({ number, event }) => [number, event])).toEqual(
    events.map(({ event }, i) => [i + 1, event]),
  );
  expect((await verifyAuditChain(ledger.readAudit())).count).toBe(300);
  await ledger.close();
});

test('a write that is refused takes nothing with it and leaves nothing', async () => {
  const ledger = await openSqliteLedger(join(await temporaryFolder(), 'ledger.db'));
  const first = reservationFor('first');
  const outcomes = await Promise.allSettled([
    ledger.reserve(first),
    ledger.reserve(reservationFor('replay', { requestDigest: first.requestDigest })),
    ledger.record(reservationFor('never reserved').serialNumber, Uint8Array.of(1)),
    ledger.record(first.serialNumber, Uint8Array.of(1)),
    ledger.revoke(first.serialNumber, { reason: 'superseded', revokedAt: new Date(0) }),
    ledger.revoke(first.serialNumber, { reason: 'superseded', revokedAt: new Date(0) }),
  ]);
  const statuses = outcomes.map(({ status }) => status);
  expect(statuses).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled', 'fulfilled', 'rejected']);
  expect(await ledger.find(reservationFor('replay').serialNumber)).toBeUndefined();
  await ledger.close();
});

test('nobody is told of success before others can see it', async () => {
  const path = join(await temporaryFolder(), 'ledger.db');
  const ledger = await openSqliteLedger(path);
  const raw = new Database(path, { readonly: true });
  const count = raw.prepare('SELECT count(*) FROM reservation').pluck();
  const seen = await Promise.all(
    Array.from({ length: 50 }, async (_, i) => {
      await ledger.reserve(reservationFor(`seen ${i}`));
      return count.get();
    }),
  );
  expect(new Set(seen)).toEqual(new Set([50]));
  raw.close();
  await ledger.close();
});

test('closing commits what was asked for before', async () => {
  const path = join(await temporaryFolder(), 'ledger.db');
  const ledger = await openSqliteLedger(path);
  const writing = ledger.reserve(reservationFor('last'));
  await ledger.close();
  await writing;
  await refusal(ledger.reserve(reservationFor('too late')), 'LEDGER_UNAVAILABLE');
  const again = await openSqliteLedger(path);
  expect(await again.find(reservationFor('last').serialNumber)).toBeDefined();
  await again.close();
});
