import { readdir, lstat, unlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { temporaryNamePattern } from './atomic-file.ts';
import { errnoOf, fileUnwritable } from './file-error.ts';
import { guardNamePattern, readLock, removeDeadLock } from './lock-file.ts';
import { isDead } from './lock-owner.ts';

const minimumAgeMs = 60_000;

/**
 * Clears what crashed writers left in a directory: temporary files of ours older than a minute, and guards of locks that
 * processes now dead were breaking. Touches nothing else. A directory that is missing is fine.
 */
export async function removeLeftovers(directory: string): Promise<void> {
  const place = resolve(directory);
  for (const name of await listNames(place)) {
    const path = join(place, name);
    if (temporaryNamePattern.test(name)) await removeIfOld(path);
    const base = guardNamePattern.exec(name)?.groups?.['base'];
    if (base !== undefined) await removeIfHolderIsDead(join(place, base), path);
  }
}

async function listNames(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fileUnwritable(directory, 'clear leftovers in', error);
  }
}

async function removeIfOld(path: string): Promise<void> {
  try {
    const found = await lstat(path);
    if (found.isFile() && Date.now() - found.mtimeMs > minimumAgeMs) await unlink(path);
  } catch (error) {
    // ENOENT: its writer was alive and finished meanwhile.
    if (errnoOf(error) !== 'ENOENT') throw fileUnwritable(path, 'remove', error);
  }
}

async function removeIfHolderIsDead(base: string, path: string): Promise<void> {
  const holder = await readLock(path);
  if (holder !== undefined && isDead(holder)) await removeDeadLock(base, path, holder);
}
