import { readdir, readFile, mkdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { openSqliteLedger } from '@countersign/ledger-sqlite';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { refusal } from './refusal.ts';
import { reservationFor } from './reservations.ts';
import { temporaryFolder } from './temporary-folder.ts';

async function freshPath(): Promise<string> {
  return join(await temporaryFolder(), 'ledger.db');
}

async function closedLedger(): Promise<string> {
  const path = await freshPath();
  const ledger = await openSqliteLedger(path);
  await ledger.reserve(reservationFor('a'));
  await ledger.close();
  return path;
}

/** Edits a closed file with plain SQLite. */
function edit(path: string, ...statements: readonly string[]): void {
  const raw = new Database(path);
  for (const statement of statements) {
    raw.exec(statement);
  }
  raw.close();
}

async function expectRefusedAndUntouched(
  path: string,
  code: 'STATE_DAMAGED' | 'LEDGER_UNAVAILABLE',
): Promise<void> {
  const before = await readFile(path);
  const error = await refusal(openSqliteLedger(path), code);
  expect(error.message).toContain(path);
  expect((await readFile(path)).equals(before)).toBe(true);
  expect(await readdir(join(path, '..'))).toEqual(['ledger.db']);
}

describe('a new ledger', () => {
  test('is for its owner alone, the files beside it too, and nothing else is left', async () => {
    const path = await freshPath();
    const ledger = await openSqliteLedger(path);
    await ledger.reserve(reservationFor('a'));
    const names = await readdir(join(path, '..'));
    expect(names.sort()).toEqual(['ledger.db', 'ledger.db-shm', 'ledger.db-wal']);
    for (const name of names) {
      expect((await stat(join(path, '..', name))).mode & 0o777).toBe(0o600);
    }
    await ledger.close();
    expect(await readdir(join(path, '..'))).toEqual(['ledger.db']);
  });

  test('is one and the same for all who open it at once', async () => {
    const path = await freshPath();
    const ledgers = await Promise.all(Array.from({ length: 8 }, () => openSqliteLedger(path)));
    await ledgers[0]?.reserve(reservationFor('a'));
    for (const ledger of ledgers) {
      expect(await ledger.find(reservationFor('a').serialNumber)).toBeDefined();
      await ledger.close();
    }
    expect(await readdir(join(path, '..'))).toEqual(['ledger.db']);
  });

  test('a name that SQLite would take for something else is a file like any other', async () => {
    const path = join(await temporaryFolder(), ':memory:');
    await (await openSqliteLedger(path)).close();
    expect((await stat(path)).isFile()).toBe(true);
  });

  test('is not made where that is refused', async () => {
    const path = await freshPath();
    await refusal(openSqliteLedger(path, { ifMissing: 'refuse' }), 'STATE_MISSING');
    expect(await readdir(join(path, '..'))).toEqual([]);
    await (await openSqliteLedger(path)).close();
    await (await openSqliteLedger(path, { ifMissing: 'refuse' })).close();
  });

  test('needs its folder', async () => {
    const path = join(await temporaryFolder(), 'missing', 'ledger.db');
    expect((await refusal(openSqliteLedger(path), 'LEDGER_UNAVAILABLE')).hint).toContain('folder');
    await refusal(openSqliteLedger('/dev/null/ledger.db'), 'LEDGER_UNAVAILABLE');
  });
});

describe('refused as it is, and left as it is', () => {
  test('an empty file, which may be what is left of a ledger', async () => {
    const path = await freshPath();
    await writeFile(path, '');
    await expectRefusedAndUntouched(path, 'STATE_DAMAGED');
  });

  test('a file that is no database', async () => {
    const path = await freshPath();
    await writeFile(path, 'x'.repeat(8192));
    await expectRefusedAndUntouched(path, 'STATE_DAMAGED');
  });

  test('the database of another program', async () => {
    const path = await freshPath();
    edit(path, 'CREATE TABLE theirs (a)', 'PRAGMA user_version = 1');
    await expectRefusedAndUntouched(path, 'STATE_DAMAGED');
  });

  test('a ledger of a newer version', async () => {
    const path = await closedLedger();
    edit(path, 'PRAGMA user_version = 1000');
    await expectRefusedAndUntouched(path, 'LEDGER_UNAVAILABLE');
  });

  test.each([0, -1])('a ledger of version %i', async (version) => {
    const path = await closedLedger();
    edit(path, `PRAGMA user_version = ${version}`);
    await expectRefusedAndUntouched(path, 'STATE_DAMAGED');
  });

  test('a ledger that lacks a table', async () => {
    const path = await closedLedger();
    edit(path, 'DROP TABLE certificate');
    await expectRefusedAndUntouched(path, 'STATE_DAMAGED');
  });

  test('a ledger cut off anywhere', async () => {
    const path = await closedLedger();
    const whole = await readFile(path);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length - 1 }), async (length) => {
        await writeFile(path, whole);
        await truncate(path, length);
        await refusal(openSqliteLedger(path), 'STATE_DAMAGED');
        expect((await stat(path)).size).toBe(length);
      }),
      { numRuns: 40, examples: [[0], [1], [100], [4096], [whole.length - 1]] },
    );
  });

  test('a folder', async () => {
    const path = await freshPath();
    await mkdir(path);
    await refusal(openSqliteLedger(path), 'STATE_DAMAGED');
  });
});

test('a value that no ledger writes is not handed out', async () => {
  const path = await closedLedger();
  edit(
    path,
    'DROP TRIGGER reservation_kept_on_update',
    'UPDATE reservation SET not_after_ms = 9000000000000000',
  );
  const ledger = await openSqliteLedger(path);
  const error = await refusal(ledger.find(reservationFor('a').serialNumber), 'LEDGER_UNAVAILABLE');
  expect(error.message).toContain('not_after_ms');
  await ledger.close();
});

test('a Node without the Node-API that SQLite needs is refused before it could crash', async () => {
  const path = join(await temporaryFolder(), 'ledger.db');
  const versions = Object.getOwnPropertyDescriptor(process, 'versions') ?? {};
  Object.defineProperty(process, 'versions', { ...versions, value: { ...process.versions, napi: '9' } });
  try {
    expect((await refusal(openSqliteLedger(path), 'LEDGER_UNAVAILABLE')).hint).toContain('22.14');
  } finally {
    Object.defineProperty(process, 'versions', versions);
  }
  await (await openSqliteLedger(path)).close();
});
