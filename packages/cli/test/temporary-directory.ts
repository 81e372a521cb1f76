import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of mode 0700 and what takes it away. */
export async function temporaryDirectory(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(await realpath(tmpdir()), 'countersign-cli-'));
  return { path, remove: async () => rm(path, { recursive: true, force: true }) };
}
