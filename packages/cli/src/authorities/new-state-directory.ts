import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CountersignError } from '@countersign/core';

/**
 * Makes a directory of state all at once: it is built under another name and appears when it is complete, or not at all.
 * @throws CountersignError `STATE_EXISTS` if there is something at `path` already
 */
export async function createStateDirectory<T>(
  path: string,
  build: (directory: string) => Promise<T>,
): Promise<T> {
  const target = resolve(path);
  await assertFree(target);
  const draft = join(dirname(target), `.${basename(target)}.new-${randomBytes(6).toString('hex')}`);
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  await mkdir(draft, { mode: 0o700 });
  try {
    const result = await build(draft);
    await rename(draft, target);
    return result;
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

/** @throws CountersignError `STATE_EXISTS` unless the path is free or an empty directory */
export async function assertFree(path: string): Promise<void> {
  const entries = await readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new CountersignError(
      'STATE_EXISTS',
      `cannot use ${path}: ${error.message}`,
      'Name a new or empty directory.',
      { cause: error },
    );
  });
  if (entries.length === 0) return;
  throw new CountersignError(
    'STATE_EXISTS',
    `${path} is not empty`,
    'Nothing is overwritten: name a new or empty directory.',
  );
}
