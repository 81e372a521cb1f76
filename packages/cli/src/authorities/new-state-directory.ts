import { randomBytes } from 'node:crypto';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CountersignError } from '@countersign/core';
import { syncDirectory } from '@countersign/state';
import { makeDirectory } from '../files/make-directory.ts';
import { fileUnwritable } from '../files/output-files.ts';

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
  await removeAbandonedDrafts(target);
  const draft = `${draftPrefix(target)}${randomBytes(6).toString('hex')}`;
  const unmake = await makeDirectory(draft);
  try {
    const result = await build(draft);
    await rename(draft, target).catch((cause: unknown) => {
      throw fileUnwritable(target, 'the finished directory cannot take its place', cause);
    });
    await syncDirectory(dirname(target));
    return result;
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    await unmake();
    throw error;
  }
}

/** What a run left that was killed long enough ago not to be at work any more: it holds keys that nobody will use. */
async function removeAbandonedDrafts(target: string): Promise<void> {
  const parent = dirname(target);
  const names = await readdir(parent).catch(() => []);
  for (const name of names) {
    const draft = join(parent, name);
    if (!draft.startsWith(draftPrefix(target)) || !/^[0-9a-f]{12}$/.test(draft.slice(-12))) continue;
    const found = await stat(draft).catch(() => undefined);
    if (found?.isDirectory() === true && Date.now() - found.mtimeMs > abandonedAfterMs) {
      await rm(draft, { recursive: true, force: true });
    }
  }
}

const abandonedAfterMs = 10 * 60_000;

function draftPrefix(target: string): string {
  return join(dirname(target), `.${basename(target)}.new-`);
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
