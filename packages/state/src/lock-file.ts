import { link, open, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryName } from './atomic-file.ts';
import { errnoOf, fileUnwritable } from './file-error.ts';
import { encodeLockOwner, isDead, parseLockOwner, thisOwner, type LockOwner } from './lock-owner.ts';
import { readFileIfExists } from './read-file.ts';

/**
 * Puts a lock file in place, whole and only if there is none. It is written under another name, synchronized and then
 * linked, so neither another process nor a power failure can show it half written.
 * @returns the owner that was written, or undefined if there is a lock already.
 */
export async function tryCreateLock(path: string): Promise<LockOwner | undefined> {
  const owner = thisOwner();
  const temporary = join(dirname(path), temporaryName());
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(encodeLockOwner(owner));
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await link(temporary, path);
    return owner;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return undefined;
    throw fileUnwritable(path, 'make the lock', error);
  } finally {
    await removeIfThere(temporary);
  }
}

export async function readLock(path: string): Promise<LockOwner | undefined> {
  const bytes = await readFileIfExists(path, { maxBytes: 4096 });
  return bytes === undefined ? undefined : parseLockOwner(bytes, path);
}

/** Removes a lock that is this process's own. Nobody else removes it while this process lives. */
export async function releaseLock(path: string, owner: LockOwner): Promise<void> {
  const found = await readLock(path);
  if (found?.token === owner.token) await removeIfThere(path);
}

/**
 * Removes the lock of a dead owner, once, however many processes find it at the same time.
 *
 * File systems cannot remove a file "if it is still this one": between reading a stale lock and removing it, another
 * process may have removed it and a third have locked anew, and that new lock would go. So the right to remove the lock
 * with token T is itself a lock, the guard, whose name contains T. Its holder reads the lock again; if it still has
 * token T, then nobody else may remove it (its owner is dead, the guard is held), so nothing can come in between. Tokens
 * never recur, so whoever comes late finds another token and leaves the lock alone. A guard whose holder died is removed
 * the same way, under a guard of its own.
 *
 * @returns false if another process is at it.
 */
export async function removeDeadLock(base: string, path: string, dead: LockOwner): Promise<boolean> {
  const guardPath = `${base}.break-${dead.token}`;
  const guard = await tryCreateLock(guardPath);
  if (guard === undefined) {
    const holder = await readLock(guardPath);
    if (holder === undefined) return true;
    return isDead(holder) ? removeDeadLock(base, guardPath, holder) : false;
  }
  try {
    const found = await readLock(path);
    if (found?.token === dead.token) await removeIfThere(path);
  } finally {
    await releaseLock(guardPath, guard);
  }
  return true;
}

/** The name that a guard has, with the lock's own name in front. */
export const guardNamePattern = /^(?<base>.+)\.break-[0-9a-f]{32}$/;

async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw fileUnwritable(path, 'remove', error);
  }
}
