import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { CountersignError } from '@countersign/core';
import { writeFileAtomic } from '@countersign/state';

/** Everything written here is public, so others may read it. */
export async function writeArtifact(path: string, data: Uint8Array | string): Promise<void> {
  await writeFileAtomic(path, data, { mode: 0o644 });
}

/**
 * Finds out before any work whether its result could be written, so that nothing is issued for a mistyped path.
 * @throws CountersignError `FILE_UNWRITABLE`
 */
export async function assertWritable(path: string): Promise<void> {
  const directory = dirname(resolve(path));
  try {
    await access(directory, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw unwritable(path, `the directory ${directory} is missing or not writable`, cause);
  }
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true) throw unwritable(path, 'it is a directory');
}

function unwritable(path: string, found: string, cause?: unknown): CountersignError {
  return new CountersignError(
    'FILE_UNWRITABLE',
    `cannot write ${path}: ${found}`,
    'Name another file with --out.',
    {
      cause,
    },
  );
}
