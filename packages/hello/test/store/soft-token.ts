import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createPkcs11Provider, type Pkcs11Provider } from '@countersign/provider-pkcs11';
import { onTestFinished } from 'vitest';

const run = promisify(execFile);

export const modulePath = '/usr/lib/softhsm/libsofthsm2.so';

/** A provider on a SoftHSM token of its own, which goes when the test ends. SoftHSM reads its configuration once a process. */
export async function softToken(pin: string): Promise<Pkcs11Provider> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-hello-token-'));
  const configuration = join(folder, 'softhsm2.conf');
  await mkdir(join(folder, 'tokens'));
  await writeFile(configuration, `directories.tokendir = ${join(folder, 'tokens')}\nlog.level = ERROR\n`);
  process.env['SOFTHSM2_CONF'] = configuration;
  await run('softhsm2-util', [
    '--init-token',
    '--free',
    '--label',
    'hello',
    '--so-pin',
    '12345678',
    '--pin',
    pin,
  ]);
  onTestFinished(async () => rm(folder, { recursive: true, force: true }));
  return openToken();
}

/** As a later process finds the token: nobody is logged in, if all other providers are closed. */
export async function openToken(): Promise<Pkcs11Provider> {
  const provider = await createPkcs11Provider({ uri: `pkcs11:token=hello?module-path=${modulePath}` });
  onTestFinished(async () => provider.close());
  return provider;
}

/** What certutil prints. */
export async function certutil(args: readonly string[]): Promise<string> {
  const { stdout } = await run('certutil', [...args]);
  return stdout;
}
