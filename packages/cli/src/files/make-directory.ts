import { mkdir, rmdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileUnwritable } from './output-files.ts';

/**
 * Makes a directory for this user alone, and those above it that are missing.
 * @returns takes away again what was made, as far as it is empty
 * @throws CountersignError `FILE_UNWRITABLE`
 */
export async function makeDirectory(path: string): Promise<() => Promise<void>> {
  const directory = resolve(path);
  const firstMade = await mkdir(directory, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw fileUnwritable(directory, 'the directory cannot be made', cause);
  });
  return async () => {
    if (firstMade === undefined) return;
    for (let made = directory; made.length >= firstMade.length; made = dirname(made)) {
      // What is in one that is not empty is not ours to remove; one that is gone was removed before.
      await rmdir(made).catch(() => undefined);
    }
  };
}
