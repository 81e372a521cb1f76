import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CountersignError } from '@countersign/core';
import { makeDirectory } from '../files/make-directory.ts';
import { writeArtifact } from '../files/output-files.ts';
import { assertNoForeignArtifacts } from './artifacts.ts';

/**
 * Lends an empty directory for a demonstration's state, below `out`. The state of an earlier run makes room only once
 * this one has succeeded; if it fails, the earlier one is put back. Anything that no demonstration made is left alone.
 */
export async function withFreshDemoState<T>(out: string, use: (state: string) => Promise<T>): Promise<T> {
  const state = join(out, 'demo-state');
  const previous = join(out, '.demo-state.previous');
  if (await isOurs(previous)) {
    // A run was cut off between its beginning and its end.
    await rm(state, { recursive: true, force: true });
    await rename(previous, state);
  }
  const hasPrevious = await isOurs(state);
  if (!hasPrevious) await assertNoForeignArtifacts(out);
  if (hasPrevious) await rename(state, previous);
  await makeDirectory(state);
  try {
    await writeArtifact(
      join(state, marker),
      'Made by "countersign demo", which replaces it when it runs here again.\n',
    );
    const result = await use(state);
    await rm(previous, { recursive: true, force: true });
    return result;
  } catch (error) {
    await rm(state, { recursive: true, force: true });
    if (hasPrevious) await rename(previous, state);
    throw error;
  }
}

const marker = 'README.txt';

/** @throws CountersignError `STATE_EXISTS` if something is there that no demonstration made */
async function isOurs(path: string): Promise<boolean> {
  if (!(await exists(path))) return false;
  if (await exists(join(path, marker))) return true;
  throw new CountersignError(
    'STATE_EXISTS',
    `${path} is in the way, and no demonstration made it`,
    'Name another directory with --out.',
  );
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}
