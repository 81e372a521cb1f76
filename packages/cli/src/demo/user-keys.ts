import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CountersignError } from '@countersign/core';
import { createMemoryProvider } from '@countersign/provider-memory';
import { writeArtifact } from '../files/output-files.ts';
import { loadPkcs11 } from '../keys/optional-providers.ts';
import type { OpenedProvider } from '../keys/provider-access.ts';

export const demoProviders = ['memory', 'pkcs11', 'tpm'] as const;
export type DemoProvider = (typeof demoProviders)[number];

/** Where the user of a demonstration has the key: a store or a token of its own, below the demonstration's state. */
export interface UserKeys {
  readonly provider: OpenedProvider;
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
export async function openUserKeys(name: DemoProvider, state: string, pin: Uint8Array): Promise<UserKeys> {
  switch (name) {
    case 'memory':
      return sealedKeys(state);
    case 'pkcs11':
      return softHsmToken(state, pin);
    case 'tpm':
      return softwareTpmKeys(state);
  }
}

async function sealedKeys(state: string): Promise<UserKeys> {
  const provider = await createMemoryProvider({ storeDirectory: join(state, 'keys') });
  return {
    provider,
    description: 'in the memory provider; the private key lies sealed under the PIN',
    seenBy: [],
    close: async () => provider.close(),
  };
}

/** A TPM of its own, with a manufacturer of its own. */
async function softwareTpmKeys(state: string): Promise<UserKeys> {
  const { createTpmProvider, startSoftwareTpm } = await import('@countersign/provider-tpm');
  const directory = join(state, 'tpm');
  const tpm = await wherePossible(
    startSoftwareTpm(directory),
    'Install it (Debian: apt-get install swtpm swtpm-tools), or run: countersign demo --provider memory',
  );
  try {
    const provider = await createTpmProvider({ uri: tpm.uri, storeDirectory: join(state, 'keys') });
    return {
      provider,
      description: 'in a software TPM of its own, which lets it sign and never gives it out',
      seenBy: [],
      endorsementRoots: tpm.endorsementRoots,
      close: async () => {
        await provider.close();
        await tpm.stop();
      },
    };
  } catch (error) {
    await tpm.stop();
    throw error;
  }
}

/** A SoftHSM token of its own: no token that is in use sees anything of a demonstration. */
async function softHsmToken(state: string, pin: Uint8Array): Promise<UserKeys> {
  const { createPkcs11Provider, initializeToken, parsePkcs11Uri } = await loadPkcs11();
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
  const provider = await createPkcs11Provider({ uri });
  return {
    provider,
    description: 'on a SoftHSM token of its own, which lets it sign and never gives it out',
    seenBy: [`${tool} --list-objects`],
    close: async () => provider.close(),
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
