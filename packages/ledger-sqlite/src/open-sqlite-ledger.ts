import { randomUUID } from 'node:crypto';
import { link, open, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { CountersignError, type Ledger } from '@countersign/core';
import { applicationId, migrateFrom, schemaVersion } from './schema.ts';
import { SqliteLedger } from './sqlite-ledger.ts';
import { isDamage, storeFailure } from './store-failure.ts';

export interface OpenSqliteLedgerOptions {
  /**
   * What to do where there is no file: `create` an empty ledger (default), or `refuse`, which is right for a CA that
   * already issued, since an empty ledger has forgotten every serial number and every request.
   */
  readonly ifMissing?: 'create' | 'refuse';
  /**
   * How long a call waits for the writes of other processes before it fails with `LEDGER_UNAVAILABLE`; default 5000.
   * The wait blocks this thread, as every call of SQLite does.
   */
  readonly busyTimeoutMs?: number;
}

/**
 * Opens the ledger in the SQLite file at `path` and brings its schema up to date. A new file is made with mode 0600 and
 * appears whole or not at all. Any number of processes on one machine may hold the same ledger open.
 * @throws CountersignError `STATE_MISSING` (see `ifMissing`), `STATE_DAMAGED` if the file is no ledger of ours or not
 *   whole, `LEDGER_UNAVAILABLE` if it cannot be read or written, was written by a newer version, or on Node before 22.14.
 */
export async function openSqliteLedger(path: string, options: OpenSqliteLedgerOptions = {}): Promise<Ledger> {
  requireNodeApi();
  const file = resolve(path);
  try {
    if (!(await isPresent(file))) {
      if (options.ifMissing === 'refuse') {
        throw missing(file);
      }
      await createLedgerFile(file);
    }
    return openLedgerFile(file, options.busyTimeoutMs ?? 5000);
  } catch (error) {
    throw isDamage(error)
      ? damaged(file, 'SQLite cannot read it as a ledger', error)
      : storeFailure(error, file);
  }
}

/** better-sqlite3's binaries call functions of Node-API 10; where these are missing, they crash the process. */
function requireNodeApi(): void {
  const found = Number(process.versions['napi'] ?? 0);
  if (found >= neededNodeApi) return;
  throw new CountersignError(
    'LEDGER_UNAVAILABLE',
    `SQLite cannot be used on Node ${process.versions.node}: it has Node-API ${found}, ${neededNodeApi} is needed`,
    'Use Node 22.14 or newer.',
  );
}

const neededNodeApi = 10;

function openLedgerFile(file: string, busyTimeoutMs: number): Ledger {
  const database = new Database(file, { fileMustExist: true, timeout: busyTimeoutMs });
  try {
    const version = requireOurs(database, file);
    configure(database, file);
    if (version < schemaVersion) {
      // Asked again within the transaction: another process may have migrated meanwhile.
      database.transaction(() => migrateFrom(requireOurs(database, file), database)).immediate();
    }
    return new SqliteLedger(database, file);
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Builds the new ledger under a name of its own and links it into place: whoever finds a file at `path` finds a whole
 * ledger, an empty file there is damage, and of two processes that create at once one wins and both use the result.
 */
async function createLedgerFile(file: string): Promise<void> {
  const draft = `${file}.${randomUUID()}.new`;
  try {
    await (await open(draft, 'wx', 0o600)).close();
    const database = new Database(draft, { fileMustExist: true });
    try {
      configure(database, draft);
      database.transaction(() => migrateFrom(0, database)).immediate();
    } finally {
      database.close();
    }
    await linkUnlessPresent(draft, file);
  } finally {
    await Promise.all(['', '-wal', '-shm', '-journal'].map((end) => rm(`${draft}${end}`, { force: true })));
  }
  await syncFolder(dirname(file));
}

/** Settings that belong to the connection; journal_mode is kept in the file. */
function configure(database: Database.Database, file: string): void {
  const journalMode = database.pragma('journal_mode = WAL', { simple: true });
  if (journalMode !== 'wal') {
    throw new CountersignError(
      'LEDGER_UNAVAILABLE',
      `the ledger ${file} cannot use a write-ahead log: SQLite chose journal mode ${String(journalMode)}`,
      'Move the ledger to a local file system.',
    );
  }
  // In WAL mode only FULL syncs the log on every commit: what a method resolved with survives a loss of power.
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  database.pragma('trusted_schema = OFF');
}

/** The schema version of a ledger that this code can use. */
function requireOurs(database: Database.Database, file: string): number {
  const foundId = database.pragma('application_id', { simple: true });
  if (foundId !== applicationId) {
    throw damaged(file, `its application id is ${String(foundId)}, not ${applicationId}`);
  }
  const version = database.pragma('user_version', { simple: true });
  if (typeof version !== 'number' || version < 1) {
    throw damaged(file, `its schema version is ${String(version)}, which no ledger has`);
  }
  if (version > schemaVersion) {
    throw new CountersignError(
      'LEDGER_UNAVAILABLE',
      `the ledger ${file} has schema version ${version}, this program knows versions up to ${schemaVersion}`,
      'Use the version of Countersign that wrote it, or a newer one.',
    );
  }
  return version;
}

async function isPresent(file: string): Promise<boolean> {
  const found = await stat(file).catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) {
      return undefined;
    }
    throw error;
  });
  if (found !== undefined && !found.isFile()) {
    throw damaged(file, 'it is not a file');
  }
  return found !== undefined;
}

async function linkUnlessPresent(from: string, to: string): Promise<void> {
  await link(from, to).catch((error: unknown) => {
    if (!isCode(error, 'EEXIST')) {
      throw error;
    }
  });
}

/** Makes the new directory entry durable. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function missing(file: string): CountersignError {
  return new CountersignError(
    'STATE_MISSING',
    `there is no ledger at ${file}`,
    'Correct the path or restore a backup; a CA that issued before must not go on with an empty ledger.',
  );
}

function damaged(file: string, found: string, cause?: unknown): CountersignError {
  return new CountersignError(
    'STATE_DAMAGED',
    `${file} is not a whole Countersign ledger: ${found}`,
    'Keep the file as it is, and correct the path or restore a backup.',
    { cause },
  );
}
