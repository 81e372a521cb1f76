import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePem, type Certificate } from '@countersign/core';
import { onTestFinished } from 'vitest';
import { now } from './enrollment-fixture.ts';

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

export interface OpensslVerdict {
  readonly accepted: boolean;
  readonly said: string;
  /** The content that it took the signature to cover. */
  readonly content: Uint8Array;
}

/** What `openssl cms -verify` says of a message under a CA's certificate, at the time of the tests. */
export async function cmsVerify(message: Uint8Array, ca: Certificate): Promise<OpensslVerdict> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-cmc-'));
  onTestFinished(async () => rm(folder, { recursive: true, force: true }));
  const [input, anchor, output] = [join(folder, 'message'), join(folder, 'ca.pem'), join(folder, 'content')];
  await writeFile(input, message);
  await writeFile(anchor, encodePem('CERTIFICATE', ca.der));
  await writeFile(output, '');
  const under = ['-CAfile', anchor, '-purpose', 'any', '-attime', String(now.getTime() / 1000)];
  const { status, stderr } = spawnSync(
    'openssl',
    ['cms', '-verify', '-inform', 'DER', '-in', input, ...under, '-binary', '-out', output],
    { encoding: 'utf8' },
  );
  return { accepted: status === 0, said: stderr, content: Uint8Array.from(await readFile(output)) };
}

/** How `openssl cms -cmsout -print` reads a message. */
export async function cmsPrint(message: Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-cmc-'));
  onTestFinished(async () => rm(folder, { recursive: true, force: true }));
  const input = join(folder, 'message');
  await writeFile(input, message);
  const options = ['cms', '-cmsout', '-print', '-noout', '-inform', 'DER', '-in', input];
  return spawnSync('openssl', options, { encoding: 'utf8' }).stdout;
}
