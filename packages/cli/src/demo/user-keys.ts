import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CountersignError } from '@countersign/core';
import { writeArtifact } from '../files/output-files.ts';
import { loadPkcs11 } from '../keys/optional-providers.ts';

export const demoProviders = ['memory', 'pkcs11', 'tpm'] as const;
export type DemoProvider = (typeof demoProviders)[number];

/** Where the user of a demonstration has the key: a store or a token of its own, below the demonstration's state. */
export interface UserKeys {
  /** Provider URI. */
  readonly uri: string;
  readonly isSecurityDevice: boolean;
  /** What it is, for people. */
  readonly description: string;
  /** Commands of other programs that see the same keys. */
  readonly seenBy: readonly string[];
  /** PEM file with the manufacturers of the TPM, where the keys are in one. */
  readonly endorsementRoots?: string;
  readonly close: () => Promise<void>;
}

/** The best place for keys that this machine has: a software TPM, else memory. */
export async function bestProvider(): Promise<DemoProvider> {
  const { canRunSoftwareTpm } = await import('@countersign/provider-tpm');
  return (await canRunSoftwareTpm()) ? 'tpm' : 'memory';
}

/** @throws CountersignError `PROVIDER_NOT_AVAILABLE` if what it takes is not installed, `PIN_INVALID` */
export async function prepareUserKeys(name: DemoProvider, state: string, pin: Uint8Array): Promise<UserKeys> {
  switch (name) {
    case 'memory':
      return sealedKeys;
    case 'pkcs11':
      return softHsmToken(state, pin);
    case 'tpm':
      return softwareTpmKeys(state);
  }
}

const sealedKeys: UserKeys = {
  uri: 'memory:',
  isSecurityDevice: false,
  description: 'in the memory provider; the private key lies sealed under the PIN',
  seenBy: [],
  close: async () => undefined,
};

/** A TPM of its own, with a manufacturer of its own. */
async function softwareTpmKeys(state: string): Promise<UserKeys> {
  const { startSoftwareTpm } = await import('@countersign/provider-tpm');
  const tpm = await wherePossible(
    startSoftwareTpm(join(state, 'tpm')),
    'Install it (Debian: apt-get install swtpm swtpm-tools), or run: countersign demo --provider memory',
  );
  return {
    uri: tpm.uri,
    isSecurityDevice: true,
    description: 'in a software TPM of its own, which lets it sign and never gives it out',
    seenBy: [],
    endorsementRoots: tpm.endorsementRoots,
    close: async () => tpm.stop(),
  };
}

/** A SoftHSM token of its own: no token that is in use sees anything of a demonstration. */
async function softHsmToken(state: string, pin: Uint8Array): Promise<UserKeys> {
  const { initializeToken, parsePkcs11Uri } = await loadPkcs11();
  const objects = join(state, 'token');
  const configuration = join(state, 'softhsm2.conf');
  await mkdir(objects, { mode: 0o700 });
  await writeArtifact(configuration, `directories.tokendir = ${objects}\nobjectstore.backend = file\n`);
  process.env['SOFTHSM2_CONF'] = configuration;
  // Nobody is to reset this token, so nobody knows the security officer's PIN.
  const securityOfficerPin = randomBytes(16).toString('hex');
  const uri = await wherePossible(
    initializeToken({
      uri: 'pkcs11:?module-name=softhsm2',
      label: 'countersign-demo',
      securityOfficerPin: Buffer.from(securityOfficerPin),
      userPin: pin,
    }),
    'Install SoftHSM (Debian: apt-get install softhsm2), or run: countersign demo --provider memory',
  );
  const { modulePath = '' } = parsePkcs11Uri(uri);
  const tool = `SOFTHSM2_CONF=${quoted(configuration)} pkcs11-tool --module ${quoted(modulePath)} --login`;
  return {
    uri,
    isSecurityDevice: true,
    description: 'on a SoftHSM token of its own, which lets it sign and never gives it out',
    seenBy: [`${tool} --list-objects`],
    close: async () => undefined,
  };
}

/** A demonstration knows better than the provider what to do about what is not installed. */
async function wherePossible<T>(work: Promise<T>, next: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof CountersignError) || error.code !== 'PROVIDER_NOT_AVAILABLE') throw error;
    throw new CountersignError(error.code, error.message, next, { cause: error });
  }
}

export function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
