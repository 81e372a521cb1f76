import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

/** A file system of one megabyte around each test of the suite; where none can be mounted, its tests are skipped. */
export function useSmallFileSystem(): { readonly folder: string } {
  const fileSystem = { folder: '' };
  beforeEach((context) => {
    if (mountProblem !== undefined) {
      context.skip(`a tmpfs cannot be mounted here: ${mountProblem}`);
    }
    fileSystem.folder = mkdtempSync(join(tmpdir(), 'countersign-full-'));
    mount(fileSystem.folder);
  });
  afterEach(() => {
    if (mountProblem === undefined) {
      execFileSync('umount', [fileSystem.folder]);
      rmSync(fileSystem.folder, { recursive: true });
    }
  });
  return fileSystem;
}

const mountProblem = tryMount();

function mount(folder: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0700', 'none', folder], { stdio: 'pipe' });
}

/** Why a tmpfs cannot be mounted, or undefined if it can. */
function tryMount(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-mount-'));
  try {
    mount(folder);
    execFileSync('umount', [folder]);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
