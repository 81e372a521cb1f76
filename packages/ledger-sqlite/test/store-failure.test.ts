import { execFileSync } from 'node:child_process';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { type Ledger, verifyAuditChain } from '@countersign/core';
import { openSqliteLedger } from '@countersign/ledger-sqlite';
import { describe, expect, test } from 'vitest';
import { refusal } from './refusal.ts';
import { reservationFor } from './reservations.ts';
import { useSmallFileSystem } from './small-file-system.ts';
import { temporaryFolder } from './temporary-folder.ts';

test('a ledger that another process holds is LEDGER_UNAVAILABLE, and usable once it lets go', async () => {
  const path = join(await temporaryFolder(), 'ledger.db');
  const ledger = await openSqliteLedger(path, { busyTimeoutMs: 20 });
  const raw = new Database(path);
  raw.exec('BEGIN IMMEDIATE');
  expect((await refusal(ledger.reserve(reservationFor('a')), 'LEDGER_UNAVAILABLE')).hint).toContain(
    'Another process',
  );
  await refusal(ledger.beginCrl(new Date()), 'LEDGER_UNAVAILABLE');
  expect(await ledger.find('01')).toBeUndefined();
  raw.exec('ROLLBACK');
  raw.close();
  await ledger.reserve(reservationFor('a'));
  expect((await ledger.beginCrl(new Date())).number).toBe(1);
  await ledger.close();
});

describe('a file system of one megabyte', () => {
  const fileSystem = useSmallFileSystem();

  test('that is full makes writes LEDGER_UNAVAILABLE, leaves the ledger readable, and writable once there is space', async () => {
    const { folder } = fileSystem;
    await writeFile(join(folder, 'ballast'), new Uint8Array(300_000));
    const ledger = await openSqliteLedger(join(folder, 'ledger.db'));
    await ledger.reserve(reservationFor('a'));
    const appended = await fill(ledger);
    expect(appended).toBeGreaterThan(10);
    const bulky = reservationFor('b', { tbsCertificate: new Uint8Array(200_000).fill(1) });
    await refusal(ledger.reserve(bulky), 'LEDGER_UNAVAILABLE');
    await refusal(
      ledger.record(reservationFor('a').serialNumber, new Uint8Array(200_000)),
      'LEDGER_UNAVAILABLE',
    );

    expect((await ledger.find(reservationFor('a').serialNumber))?.certificate).toBeUndefined();
    expect(await ledger.find(bulky.serialNumber)).toBeUndefined();
    expect((await verifyAuditChain(ledger.readAudit())).count).toBe(appended);

    await rm(join(folder, 'ballast'));
    // Neither the serial nor the request was used up.
    await ledger.reserve(bulky);
    expect((await ledger.appendAudit({ at: new Date(0), event: 'e', details: {} })).number).toBe(
      appended + 1,
    );
    expect((await verifyAuditChain(ledger.readAudit())).count).toBe(appended + 1);
    await ledger.close();
  });

  test('that is full for one write takes the others that were asked for at the same time', async () => {
    const { folder } = fileSystem;
    await writeFile(join(folder, 'ballast'), new Uint8Array(300_000));
    const ledger = await openSqliteLedger(join(folder, 'ledger.db'));
    const small = Array.from({ length: 20 }, (_, i) => reservationFor(`small ${i}`));
    const bulky = reservationFor('bulky', { tbsCertificate: new Uint8Array(900_000).fill(1) });
    const writes = [...small.slice(0, 10), bulky, ...small.slice(10)].map((one) => ledger.reserve(one));
    const outcomes = await Promise.allSettled(writes);
    expect(outcomes.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []))).toEqual([10]);
    for (const { serialNumber } of small) expect(await ledger.find(serialNumber)).toBeDefined();
    expect(await ledger.find(bulky.serialNumber)).toBeUndefined();
    await ledger.close();
  });

  test('that is full takes no new ledger and keeps no half of one', async () => {
    const { folder } = fileSystem;
    await writeFile(join(folder, 'ballast'), new Uint8Array(1024 * 1024 - 4096)).catch(() => {});
    await refusal(openSqliteLedger(join(folder, 'ledger.db')), 'LEDGER_UNAVAILABLE');
    expect(await readdir(folder)).toEqual(['ballast']);
  });

  test('that is read-only makes the ledger LEDGER_UNAVAILABLE', async () => {
    const { folder } = fileSystem;
    const path = join(folder, 'ledger.db');
    await (await openSqliteLedger(path)).close();
    execFileSync('mount', ['-o', 'remount,ro', folder]);
    expect((await refusal(openSqliteLedger(path), 'LEDGER_UNAVAILABLE')).hint).toContain('write access');
    await refusal(openSqliteLedger(join(folder, 'new.db')), 'LEDGER_UNAVAILABLE');
  });
});

/** Appends audit records until one is refused for want of space; tells how many were not. */
async function fill(ledger: Ledger): Promise<number> {
  for (let number = 1; ; number++) {
    const event = { at: new Date(number), event: 'e', details: { text: 'x'.repeat(10_000) } };
    const failure: unknown = await ledger.appendAudit(event).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure !== undefined) {
      expect((await refusal(Promise.reject(failure), 'LEDGER_UNAVAILABLE')).hint).toContain('Free space');
      return number - 1;
    }
  }
}
