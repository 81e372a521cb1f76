import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePem, type Certificate } from '@countersign/core';
import { onTestFinished } from 'vitest';

/** Without it the tests that need it are reported as skipped, under their own names. */
export const hasOpenssl = (spawnSync('openssl', ['version'], { encoding: 'utf8' }).stdout ?? '').startsWith(
  'OpenSSL 3.',
);

export interface OpensslResult {
  readonly status: number;
  /** Both streams: which of them carries a verdict is openssl's secret. */
  readonly said: string;
}

/** A directory in which `openssl` works on files; it goes when the test ends. */
export class OpensslFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<OpensslFolder> {
    const path = await mkdtemp(join(tmpdir(), 'countersign-ocsp-'));
    onTestFinished(async () => rm(path, { recursive: true, force: true }));
    return new OpensslFolder(path);
  }

  async write(name: string, contents: Uint8Array | string): Promise<void> {
    await writeFile(join(this.path, name), contents);
  }

  async writeCertificates(name: string, ...certificates: readonly Certificate[]): Promise<void> {
    await this.write(name, certificates.map(({ der }) => encodePem('CERTIFICATE', der)).join(''));
  }

  async read(name: string): Promise<Uint8Array> {
    return Uint8Array.from(await readFile(join(this.path, name)));
  }

  /** Runs without blocking: the test may be the server that openssl talks to. */
  async openssl(...args: readonly string[]): Promise<OpensslResult> {
    return new Promise((resolve) => {
      const env = { ...process.env, no_proxy: '127.0.0.1', NO_PROXY: '127.0.0.1' };
      execFile('openssl', args, { cwd: this.path, env }, (error, stdout, stderr) => {
        resolve({
          status: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1,
          said: stdout + stderr,
        });
      });
    });
  }
}
