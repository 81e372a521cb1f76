import { randomBytes } from 'node:crypto';
import { stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { CountersignError } from '@countersign/core';
import { writeFileAtomic } from '@countersign/state';

/** Everything written here is public, so others may read it. */
export async function writeArtifact(path: string, data: Uint8Array | string): Promise<void> {
  await writeFileAtomic(path, data, { mode: 0o644 });
}

/**
 * Finds out before any work whether its result could be written, so that nothing is issued for a mistyped path or on to
 * a full disk.
 * @throws CountersignError `FILE_UNWRITABLE`
 */
export async function assertWritable(path: string): Promise<void> {
  const target = resolve(path);
  const found = await stat(target).catch(() => undefined);
  if (found?.isDirectory() === true) throw fileUnwritable(path, 'it is a directory');
  // Writing replaces what is there as a whole, which must not happen to a device.
  if (found?.isFile() === false) throw fileUnwritable(path, 'it is not a regular file');
  const probe = join(dirname(target), `.countersign-${randomBytes(16).toString('hex')}.tmp`);
  try {
    await writeFile(probe, new Uint8Array(artifactMaxBytes), { flag: 'wx', mode: 0o600, flush: true });
  } catch (cause) {
    throw fileUnwritable(path, `${dirname(target)} takes no new file`, cause);
  } finally {
    await unlink(probe).catch(() => undefined);
  }
}

/** Room for what commands write: a few KiB, where an RSA-4096 CA signs and an RSA-4096 agent countersigns. */
const artifactMaxBytes = 16_384;

export function fileUnwritable(path: string, found: string, cause?: unknown): CountersignError {
  const reason = cause instanceof Error ? `${found} (${cause.message})` : found;
  return new CountersignError(
    'FILE_UNWRITABLE',
    `cannot write ${path}: ${reason}`,
    'Put that right, or name another place.',
    { cause },
  );
}
