import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Whether the `openssl` command is there, version 3; what it prints and how it is asked differs too much before. Without
 * it the tests that need it are reported as skipped, under their own names.
 */
export const hasOpenssl: boolean = (
  spawnSync('openssl', ['version'], { encoding: 'utf8' }).stdout ?? ''
).startsWith('OpenSSL 3.');

export interface OpensslResult {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs `openssl` and tells how it went. */
export function tryOpenssl(args: readonly string[], input?: Uint8Array | string): OpensslResult {
  const options = { maxBuffer: 64 << 20, ...(input === undefined ? {} : { input }) };
  const { status, stdout, stderr, error } = spawnSync('openssl', args, options);
  if (error !== undefined) throw error;
  return { status, stdout, stderr: stderr.toString() };
}

/** Runs `openssl`, which must succeed. @returns what it wrote to its standard output */
export function openssl(args: readonly string[], input?: Uint8Array | string): Buffer {
  const { status, stdout, stderr } = tryOpenssl(args, input);
  if (status !== 0) throw new Error(`openssl ${args.join(' ')} ended with ${status}: ${stderr}`);
  return stdout;
}

/** Files that OpenSSL reads, in a directory that `remove` takes away. */
export class OpensslFiles {
  #directory: string | undefined;

  /** Made at first use: a file of tests of which none runs has nothing to remove. */
  get directory(): string {
    this.#directory ??= mkdtempSync(join(tmpdir(), 'countersign-differential-'));
    return this.#directory;
  }

  /** Writes a file. @returns its path */
  write(name: string, contents: Uint8Array | string): string {
    const path = this.path(name);
    writeFileSync(path, contents);
    return path;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  remove(): void {
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Types as dotted OIDs, values as UTF-8 with everything outside printable ASCII escaped: one line, no ambiguity. */
export const nameOptions = ['-nameopt', 'oid,esc_2253,esc_ctrl,esc_msb,utf8,sep_comma_plus'] as const;
