import { join } from 'node:path';
import { CountersignError } from '@countersign/core';
import { ensurePrivateDirectory, readFileIfExists, withLock } from '@countersign/state';

/** Whatever changes what a user has, one at a time: provisioning, renewal, reset. */
export async function whileAlone<T>(directory: string, work: () => Promise<T>): Promise<T> {
  await ensurePrivateDirectory(directory);
  return withLock(join(directory, 'provisioning.lock'), work);
}

export function resetJournalPath(directory: string): string {
  return join(directory, 'reset.json');
}

/** Nothing is built on what a reset is taking away. @throws CountersignError `STATE_EXISTS` */
export async function assertNoResetPending(directory: string): Promise<void> {
  const path = resetJournalPath(directory);
  if ((await readFileIfExists(path)) === undefined) return;
  throw new CountersignError(
    'STATE_EXISTS',
    `a reset was begun and is not finished: ${path}`,
    'Run the reset again, which finishes it; then provision anew.',
  );
}
