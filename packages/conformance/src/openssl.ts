import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SignatureScheme } from '@countersign/core';
import { hashOf } from './signature-check.ts';

export interface SignedMessage {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly scheme: SignatureScheme;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** The program's name, if it runs here and knows all that is asked of it (from version 3 on). */
export async function findOpenssl(): Promise<string | undefined> {
  try {
    const { stdout } = await run('openssl', ['version']);
    return /^OpenSSL [3-9]/.test(stdout) ? 'openssl' : undefined;
  } catch {
    // Not there, or not to be run: either way there is none.
    return undefined;
  }
}

/** Whether OpenSSL's command line verifies a signature; a PSS salt must be as long as the hash. */
export async function opensslVerifies(
  openssl: string,
  { publicKey, scheme, message, signature }: SignedMessage,
): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  const path = (name: string): string => join(folder, name);
  try {
    await writeFile(path('key'), publicKey);
    await writeFile(path('message'), message);
    await writeFile(path('signature'), signature);
    const files = ['-sigfile', path('signature'), '-in', path('message'), '-inkey', path('key')];
    const options = [
      'pkeyutl',
      '-verify',
      '-pubin',
      '-keyform',
      'DER',
      '-rawin',
      ...optionsOf(scheme),
      ...files,
    ];
    const { stdout } = await run(openssl, options);
    return stdout.includes('Signature Verified Successfully');
  } catch (error) {
    // It ends with 1 after a signature that is wrong.
    if (error instanceof Error && 'code' in error && error.code === 1) return false;
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function optionsOf(scheme: SignatureScheme): readonly string[] {
  const hash = hashOf(scheme);
  if (hash === undefined) return [];
  const digest = ['-digest', hash.name];
  if (!scheme.startsWith('rsa-pss')) return digest;
  return [...digest, '-pkeyopt', 'rsa_padding_mode:pss', '-pkeyopt', `rsa_pss_saltlen:${hash.octets}`];
}

const run = promisify(execFile);
