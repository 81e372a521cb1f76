import Database from 'better-sqlite3';
import { CountersignError } from '@countersign/core';

/**
 * Says in Countersign's words what SQLite or the file system reported: failures of the store as
 * `LEDGER_UNAVAILABLE`, a constraint that held against a write as `LEDGER_CONFLICT`. Anything else comes back as it is.
 */
export function storeFailure(error: unknown, path: string): unknown {
  if (error instanceof Database.SqliteError) {
    return error.code.startsWith('SQLITE_CONSTRAINT')
      ? new CountersignError(
          'LEDGER_CONFLICT',
          `the ledger ${path} refused a write that would break one of its guarantees: ${error.message}`,
          'Nothing was written. Look up what the ledger already holds before trying again.',
          { cause: error },
        )
      : unavailable(path, `${error.message} (${error.code})`, adviceFor(error.code), error);
  }
  return isSystemError(error) ? unavailable(path, error.message, adviceFor(error.code), error) : error;
}

/** Whether SQLite found that the file is not a database, or not a whole one. */
export function isDamage(error: unknown): boolean {
  return error instanceof Database.SqliteError && damageCodes.test(error.code);
}

// SQLITE_ERROR while opening means that a table or column which every ledger has is not there.
const damageCodes = /^SQLITE_(NOTADB|CORRUPT|FORMAT|ERROR)(_|$)/u;

const advice: readonly (readonly [RegExp, string])[] = [
  [/^(SQLITE_FULL|ENOSPC|EDQUOT)/u, 'Free space on the file system that holds the ledger, then try again.'],
  [
    /^SQLITE_(BUSY|LOCKED|PROTOCOL)/u,
    'Another process holds the ledger for longer than a write takes. Find it (a backup, a stopped process), then try again.',
  ],
  [
    /^(SQLITE_READONLY|SQLITE_PERM|SQLITE_AUTH|SQLITE_CANTOPEN|EACCES|EPERM|EROFS)/u,
    'Give this user read and write access to the ledger file and to its folder, then try again.',
  ],
  [
    /^SQLITE_(NOTADB|CORRUPT)/u,
    'The ledger file is damaged. Stop issuing, keep the file as it is, and restore a backup.',
  ],
  [/^(ENOENT|ENOTDIR)/u, 'Create the folder of the ledger first, or correct its path.'],
];

function adviceFor(code: string): string {
  return (
    advice.find(([codes]) => codes.test(code))?.[1] ??
    'Check the disk and the log of the operating system, then try again.'
  );
}

function unavailable(path: string, found: string, hint: string, cause: unknown): CountersignError {
  return new CountersignError('LEDGER_UNAVAILABLE', `the ledger ${path} failed: ${found}`, hint, { cause });
}

function isSystemError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && 'syscall' in error;
}
