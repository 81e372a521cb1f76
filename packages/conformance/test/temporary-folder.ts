import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A folder of mode 0700 that goes when the test file ends; in memory where that is possible, as stores sync each change. */
export async function temporaryFolder(): Promise<string> {
  const parent = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const path = await mkdtemp(join(parent, 'countersign-conformance-'));
  afterAll(async () => rm(path, { recursive: true, force: true }));
  return path;
}
