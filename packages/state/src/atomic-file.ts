import { randomBytes } from 'node:crypto';
import { link, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CountersignError } from '@countersign/core';
import { errnoOf, fileUnwritable } from './file-error.ts';

export interface WriteFileOptions {
  /** Permission bits of the file, whatever the umask; default 0o600. */
  readonly mode?: number;
}

/**
 * Replaces a file as a whole: whoever reads it, at any time and after any crash, finds the old content or the new one.
 * When this resolves, the new content has reached stable storage. A symbolic link at `path` is replaced, not followed.
 * @throws CountersignError `FILE_UNWRITABLE`; the old file is then as it was.
 */
export async function writeFileAtomic(
  path: string,
  data: Uint8Array | string,
  options: WriteFileOptions = {},
): Promise<void> {
  const target = resolve(path);
  await withTemporaryFile(target, data, options, async (temporary) => rename(temporary, target));
  await syncDirectory(dirname(target));
}

/**
 * Writes a file that must not exist yet, with the same guarantees as `writeFileAtomic`. Of several processes that try
 * at once, one succeeds.
 * @throws CountersignError `STATE_EXISTS` if there is anything at `path`, `FILE_UNWRITABLE`.
 */
export async function createFileExclusive(
  path: string,
  data: Uint8Array | string,
  options: WriteFileOptions = {},
): Promise<void> {
  const target = resolve(path);
  // link(2), unlike rename(2), refuses to replace what is there.
  await withTemporaryFile(target, data, options, async (temporary) => {
    await link(temporary, target);
    await unlink(temporary);
  });
  await syncDirectory(dirname(target));
}

/** Removes a file for good: it does not come back after a crash. A file that is missing is fine. */
export async function removeFileDurably(path: string): Promise<void> {
  const target = resolve(path);
  try {
    await unlink(target);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw fileUnwritable(target, 'remove', error);
    // Nothing to remove. The directory is still synchronized, if there is one: whoever removed the file may have
    // crashed before doing so.
    return syncDirectory(dirname(target), { missingIsFine: true });
  }
  return syncDirectory(dirname(target));
}

/** The name of a file that is still being written. Unpredictable, so that nobody can put a link in its place. */
export function temporaryName(): string {
  return `.countersign-${randomBytes(16).toString('hex')}.tmp`;
}

export const temporaryNamePattern = /^\.countersign-[0-9a-f]{32}\.tmp$/;

/** Makes names added to, or removed from, a directory durable. */
export async function syncDirectory(
  directory: string,
  options: { readonly missingIsFine?: boolean } = {},
): Promise<void> {
  // Windows cannot open a directory for synchronizing; NTFS journals its entries.
  if (process.platform === 'win32') return;
  try {
    const handle = await open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = errnoOf(error);
    if (options.missingIsFine === true && (code === 'ENOENT' || code === 'ENOTDIR')) return;
    throw fileUnwritable(directory, 'make the change durable in', error);
  }
}

async function withTemporaryFile(
  target: string,
  data: Uint8Array | string,
  options: WriteFileOptions,
  putInPlace: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = join(dirname(target), temporaryName());
  try {
    await writeSynchronized(temporary, data, options.mode ?? 0o600);
    await putInPlace(temporary);
  } catch (error) {
    await discard(temporary);
    if (errnoOf(error) === 'EEXIST') throw alreadyExists(target);
    throw fileUnwritable(target, 'write', error);
  }
}

async function writeSynchronized(path: string, data: Uint8Array | string, mode: number): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.writeFile(data);
    await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function discard(temporary: string): Promise<void> {
  try {
    await unlink(temporary);
  } catch {
    // Never made, or the file system fails as a whole: the first error is the one to report, and `removeLeftovers`
    // clears what remains.
  }
}

function alreadyExists(path: string): CountersignError {
  return new CountersignError(
    'STATE_EXISTS',
    `${path} already exists`,
    `Choose another name, or move ${basename(path)} away if it is no longer needed.`,
  );
}
