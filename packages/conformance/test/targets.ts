import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { ConformanceTarget } from '@countersign/conformance';
import { createMemoryProvider } from '@countersign/provider-memory';
import { createPkcs11Provider, formatPkcs11Uri } from '@countersign/provider-pkcs11';
import { createTpmProvider, formatTpmUri, startSoftwareTpm } from '@countersign/provider-tpm';
import { afterAll } from 'vitest';
import { openPkcs8File } from '../example/pkcs8-file-provider.ts';
import { temporaryFolder } from './temporary-folder.ts';

const run = promisify(execFile);

/** What all targets here have in common. */
export const pins = {
  pin: Buffer.from('482913'),
  wrongPin: Buffer.from('739155'),
  otherPin: Buffer.from('605827'),
};

/** Sealing costs next to nothing. */
const sealing = { scryptCost: { N: 16, r: 1, p: 1 } };

export async function memoryInProcess(): Promise<ConformanceTarget> {
  return {
    description: 'memory, in the process',
    open: async () => createMemoryProvider({ sealing }),
    keepsKeys: false,
    ...pins,
    wrongPinsForgotten: 'with-time',
    referenceElsewhere: 'memory:?store=/elsewhere',
    allowLockout: true,
  };
}

export async function memorySealed(): Promise<ConformanceTarget> {
  const storeDirectory = await temporaryFolder();
  return {
    ...(await memoryInProcess()),
    description: 'memory, sealed at rest',
    open: async () => createMemoryProvider({ storeDirectory, sealing }),
    keepsKeys: true,
  };
}

/** The worked example. */
export async function pkcs8File(): Promise<ConformanceTarget> {
  const path = join(await temporaryFolder(), 'keys');
  return {
    description: 'a file of PKCS#8 keys',
    open: async () => openPkcs8File(path),
    keepsKeys: true,
    ...pins,
    tries: 'unlimited',
  };
}

export async function softHsm(): Promise<ConformanceTarget> {
  const folder = await temporaryFolder();
  const configuration = join(folder, 'softhsm2.conf');
  await mkdir(join(folder, 'tokens'));
  await writeFile(configuration, `directories.tokendir = ${join(folder, 'tokens')}\nlog.level = ERROR\n`);
  process.env['SOFTHSM2_CONF'] = configuration;
  const token = ['--init-token', '--free', '--label', 'conformance', '--so-pin', '12345678'];
  await run('softhsm2-util', [...token, '--pin', pins.pin.toString()]);
  return pkcs11Target('SoftHSM', '/usr/lib/softhsm/libsofthsm2.so', 'conformance');
}

export async function nssSoftokn(): Promise<ConformanceTarget> {
  // It stretches the PIN with each login, which takes most of the time.
  process.env['NSS_MAX_MP_PBE_ITERATION_COUNT'] = '1';
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'pin'), `${pins.pin.toString()}\n`);
  await run('certutil', ['-N', '-d', `sql:${folder}`, '-f', join(folder, 'pin')]);
  const libraryParameters = `configdir='sql:${folder}' certPrefix='' keyPrefix='' secmod='secmod.db' flags=`;
  const modulePath = '/usr/lib/x86_64-linux-gnu/libsoftokn3.so';
  return pkcs11Target(
    'NSS softokn',
    modulePath,
    'NSS Certificate DB',
    { libraryParameters },
    {
      notSupported: { 'origin.generated': 'softokn says CKA_LOCAL false of every key on a token' },
      endurance: { signatures: 150, keys: 4 },
    },
  );
}

/** Neither module ever locks a PIN. */
function pkcs11Target(
  description: string,
  modulePath: string,
  token: string,
  options: { readonly libraryParameters?: string } = {},
  more: Partial<ConformanceTarget> = {},
): ConformanceTarget {
  const uri = formatPkcs11Uri({ token, modulePath });
  return {
    description,
    open: async () => createPkcs11Provider({ uri, ...options }),
    keepsKeys: true,
    ...pins,
    tries: 'unlimited',
    referenceElsewhere: 'pkcs11:object=conformance?module-path=/usr/lib/other.so',
    ...more,
  };
}

export async function softwareTpm(): Promise<ConformanceTarget> {
  const folder = await temporaryFolder();
  const tpm = await startSoftwareTpm(join(folder, 'tpm'));
  afterAll(async () => tpm.stop());
  await allowManyTries(tpm.uri);
  const storeDirectory = join(folder, 'keys');
  return {
    description: 'swtpm',
    open: async () => createTpmProvider({ uri: tpm.uri, storeDirectory }),
    keepsKeys: true,
    exclusive: true,
    ...pins,
    wrongPinsForgotten: 'with-time',
    referenceElsewhere: formatTpmUri({ transport: tpm.uri, store: '/elsewhere' }),
    allowLockout: true,
    endurance: { signatures: 100 },
  };
}

/** A new TPM locks after three wrong PINs, and forgets one in 1,000 seconds. */
async function allowManyTries(uri: string): Promise<void> {
  const socket = decodeURIComponent(uri.replace('tpm:swtpm-unix=', ''));
  // Where tpm2-tools look for the channel that controls it.
  await symlink(join(dirname(socket), 'control'), `${socket}.ctrl`);
  const parameters = [
    '--setup-parameters',
    '--max-tries=32',
    '--recovery-time=10000',
    '--lockout-recovery-time=0',
  ];
  await run('tpm2_dictionarylockout', ['-T', `swtpm:path=${socket}`, ...parameters]);
}
