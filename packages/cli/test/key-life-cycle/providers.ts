import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  createRootCertificate,
  isPinProtected,
  Name,
  type Certificate,
  type CertificateStore,
  type KeyProvider,
} from '@countersign/core';
import { createMemoryProvider } from '@countersign/provider-memory';
import { createPkcs11Provider } from '@countersign/provider-pkcs11';
import { createTpmProvider, startSoftwareTpm } from '@countersign/provider-tpm';
import { temporaryDirectory } from '../temporary-directory.ts';

export type Provider = KeyProvider & CertificateStore;

/** A provider at work. */
export interface RunningProvider {
  readonly provider: Provider;
  /** Closes it, and ends what was started for it. */
  readonly stop: () => Promise<void>;
}

/** Every provider there is, each with a store of its own. The maker's folder holds the store. */
export const providers: Readonly<Record<string, (folder: string) => Promise<RunningProvider>>> = {
  'memory, in the process': async () => running(await createMemoryProvider()),
  'memory, sealed at rest': async (folder) => running(await sealedMemoryProvider(folder)),
  'pkcs11, SoftHSM': async (folder) => running(await softHsm(folder)),
  'tpm, swtpm': softwareTpm,
};

export const pin = Buffer.from('482913');
export const at = new Date('2026-05-06T07:08:09Z');

export { temporaryDirectory };

/** A certificate for a key, signed by the key itself past its custodian. */
export async function certificateFor(provider: Provider, ref: string): Promise<Certificate> {
  const key = await provider.open(ref);
  if (isPinProtected(key)) await key.unlock(pin);
  return createRootCertificate(key, Name.fromString('CN=Holder'), at);
}

/** Sealing costs next to nothing. */
export function sealedMemoryProvider(folder: string): Promise<Provider> {
  return createMemoryProvider({
    storeDirectory: join(folder, 'keys'),
    sealing: { scryptCost: { N: 16, r: 1, p: 1 } },
  });
}

function running(provider: Provider): RunningProvider {
  return { provider, stop: async () => provider.close() };
}

async function softwareTpm(folder: string): Promise<RunningProvider> {
  const tpm = await startSoftwareTpm(join(folder, 'tpm'));
  const provider = await createTpmProvider({ uri: tpm.uri, storeDirectory: join(folder, 'keys') });
  const stop = async (): Promise<void> => {
    await provider.close();
    await tpm.stop();
  };
  return { provider, stop };
}

async function softHsm(folder: string): Promise<Provider> {
  const configuration = join(folder, 'softhsm2.conf');
  await mkdir(join(folder, 'tokens'), { recursive: true });
  await writeFile(configuration, `directories.tokendir = ${join(folder, 'tokens')}\nlog.level = ERROR\n`);
  process.env['SOFTHSM2_CONF'] = configuration;
  const initialize = ['--init-token', '--free', '--label', 'life', '--so-pin', '12345678', '--pin', '482913'];
  await promisify(execFile)('softhsm2-util', initialize);
  await writeFile(join(folder, 'pin'), pin, { mode: 0o600 });
  return createPkcs11Provider({
    uri: `pkcs11:token=life?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=${join(folder, 'pin')}`,
  });
}
