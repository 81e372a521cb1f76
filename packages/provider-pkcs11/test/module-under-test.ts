import { execFile } from 'node:child_process';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Pkcs11Provider, Pkcs11ProviderOptions } from '@countersign/provider-pkcs11';
import { createPkcs11Provider, formatPkcs11Uri } from '@countersign/provider-pkcs11';
import { afterAll, onTestFinished } from 'vitest';

const run = promisify(execFile);

export const userPin = '482913';

/** A PKCS#11 module with one private token, in a folder that goes when the test file ends. */
export interface ModuleUnderTest {
  readonly modulePath: string;
  readonly tokenLabel: string;
  readonly libraryParameters?: string;
  /** What other programs need in their environment to see the same token. */
  readonly environment: Readonly<Record<string, string>>;
  /** What pkcs11-tool needs beside --module, or undefined if it cannot start this module. */
  readonly pkcs11ToolArguments: readonly string[] | undefined;
  /** A second token, where the module can have one. */
  readonly addToken: ((label: string) => Promise<void>) | undefined;
}

export const moduleMakers: Readonly<Record<string, () => Promise<ModuleUnderTest>>> = {
  SoftHSM: softHsm,
  'NSS softokn': nssSoftokn,
};

export async function softHsm(): Promise<ModuleUnderTest> {
  const folder = await temporaryFolder();
  const configuration = join(folder, 'softhsm2.conf');
  await mkdir(join(folder, 'tokens'));
  await writeFile(configuration, `directories.tokendir = ${join(folder, 'tokens')}\nlog.level = ERROR\n`);
  process.env['SOFTHSM2_CONF'] = configuration;
  const environment = { SOFTHSM2_CONF: configuration };
  const addToken = async (label: string): Promise<void> => {
    await run(
      'softhsm2-util',
      ['--init-token', '--free', '--label', label, '--so-pin', '12345678', '--pin', userPin],
      { env: { ...process.env, ...environment } },
    );
  };
  await addToken('first');
  const modulePath = '/usr/lib/softhsm/libsofthsm2.so';
  return { modulePath, tokenLabel: 'first', environment, pkcs11ToolArguments: [], addToken };
}

export async function nssSoftokn(): Promise<ModuleUnderTest> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'pin'), `${userPin}\n`);
  await run('certutil', ['-N', '-d', `sql:${folder}`, '-f', join(folder, 'pin')]);
  return {
    modulePath: '/usr/lib/x86_64-linux-gnu/libsoftokn3.so',
    tokenLabel: 'NSS Certificate DB',
    libraryParameters: `configdir='sql:${folder}' certPrefix='' keyPrefix='' secmod='secmod.db' flags=`,
    environment: {},
    pkcs11ToolArguments: undefined,
    addToken: undefined,
  };
}

/** A provider on the module's token, closed when the test ends. */
export async function providerOn(
  module: ModuleUnderTest,
  options: Partial<Pkcs11ProviderOptions> = {},
): Promise<Pkcs11Provider> {
  const provider = await createPkcs11Provider({
    uri: formatPkcs11Uri({ token: module.tokenLabel, modulePath: module.modulePath }),
    ...(module.libraryParameters === undefined ? {} : { libraryParameters: module.libraryParameters }),
    ...options,
  });
  onTestFinished(async () => provider.close());
  return provider;
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export async function temporaryFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'countersign-pkcs11-'));
  afterAll(async () => rm(path, { recursive: true, force: true }));
  return path;
}
