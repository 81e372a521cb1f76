import { spawnSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isPinProtected, PublicKey, verifySignature } from '@countersign/core';
import { describe, expect, test } from 'vitest';
import type { Swtpm } from '../start-swtpm.ts';
import {
  leftovers,
  message,
  pin,
  providerOn,
  swtpm,
  temporaryDirectory,
  verifies,
} from './running-provider.ts';

const withTpm = ['-provider', 'tpm2', '-provider', 'default', '-propquery', '?provider=tpm2'];

describe('OpenSSL’s TPM provider', () => {
  test.each(['p256', 'p384', 'rsa2048'] as const)(
    'signs with a %s key file of ours, given its PIN',
    async (algorithm) => {
      const tpm = await swtpm();
      const provider = await providerOn(tpm);
      const { ref, publicKey } = await provider.generate({ algorithm, label: 'künftig', pin });
      const directory = await temporaryDirectory();
      await writeFile(join(directory, 'key.pem'), await provider.exportKeyFile(ref));
      await writeFile(join(directory, 'message'), message);
      await provider.close();
      const sign = (password: string): number | null =>
        run(tpm, directory, 'openssl', [
          'pkeyutl',
          ...withTpm,
          '-sign',
          '-rawin',
          '-digest',
          'sha256',
          '-inkey',
          'key.pem',
          '-passin',
          `pass:${password}`,
          '-in',
          'message',
          '-out',
          'signature',
        ]).status;
      expect(sign('482914')).not.toBe(0);
      expect(sign('482913')).toBe(0);
      const scheme = algorithm === 'rsa2048' ? 'rsa-pkcs1-sha256' : 'ecdsa-sha256';
      const signature = await readFile(join(directory, 'signature'));
      expect(verifySignature(PublicKey.parse(publicKey), scheme, message, signature)).toBe(true);
    },
  );

  test.each([
    ['P-256, under the owner’s primary key', ['EC', 'group:P-256', 'user-auth:482913']],
    ['P-384, under the storage root key', ['EC', 'group:P-384', 'user-auth:482913', 'parent:0x81000001']],
    ['RSA, under the storage root key', ['RSA', 'bits:2048', 'user-auth:482913', 'parent:0x81000001']],
    ['RSA, without a PIN', ['RSA', 'bits:2048']],
  ])('makes keys that sign here: %s', async (_, [algorithm = '', ...parameters]) => {
    const tpm = await swtpm();
    const storeDirectory = await temporaryDirectory();
    // Makes the storage root key.
    await (await providerOn(tpm, { storeDirectory })).close();
    const options = parameters.flatMap((parameter) => ['-pkeyopt', parameter]);
    const made = run(tpm, storeDirectory, 'openssl', [
      'genpkey',
      '-provider',
      'tpm2',
      '-algorithm',
      algorithm,
      ...options,
      '-out',
      'theirs.pem',
    ]);
    expect(made.status).toBe(0);
    const provider = await providerOn(tpm, { storeDirectory });
    const file = await readFile(join(storeDirectory, 'theirs.pem'));
    const key = await provider.open(await provider.importKeyFile(file, 'theirs'));
    expect(isPinProtected(key)).toBe(parameters.some((parameter) => parameter.startsWith('user-auth')));
    if (isPinProtected(key)) await key.unlock(pin);
    for (const scheme of key.schemes) expect(await verifies(key, scheme)).toBe(true);
    await provider.close();
    expect(await leftovers(tpm)).toEqual([]);
  });
});

test('tpm2-tools verify our signatures, and find nothing that we left', async () => {
  const tpm = await swtpm();
  const provider = await providerOn(tpm);
  const key = await provider.generate({ algorithm: 'p256', pin });
  const directory = await temporaryDirectory();
  const spki = createPublicKey({ key: Buffer.from(key.publicKey), format: 'der', type: 'spki' });
  await writeFile(join(directory, 'public.pem'), spki.export({ format: 'pem', type: 'spki' }));
  await writeFile(join(directory, 'message'), message);
  await writeFile(join(directory, 'signature'), await key.sign('ecdsa-sha256', message));
  await provider.close();
  for (const kind of ['transient', 'loaded-session', 'saved-session']) {
    expect(run(tpm, directory, 'tpm2_getcap', [`handles-${kind}`])).toMatchObject({ status: 0, stdout: '' });
  }
  const load = ['-C', 'o', '-G', 'ecc', '-u', 'public.pem', '-c', 'key.ctx'];
  expect(run(tpm, directory, 'tpm2_loadexternal', load).status).toBe(0);
  const verify = ['-c', 'key.ctx', '-g', 'sha256', '-f', 'ecdsa', '-m', 'message', '-s', 'signature'];
  expect(run(tpm, directory, 'tpm2_verifysignature', verify).status).toBe(0);
  await writeFile(join(directory, 'message'), 'another message');
  expect(run(tpm, directory, 'tpm2_verifysignature', verify).status).not.toBe(0);
});

function run(
  { endpoint }: Swtpm,
  cwd: string,
  command: string,
  args: readonly string[],
): { readonly status: number | null; readonly stdout: string } {
  if (endpoint.kind !== 'tcp') throw new Error('the tools are told of a TCP port');
  const tcti = `swtpm:host=${endpoint.host},port=${endpoint.port}`;
  const environment = { ...process.env, TPM2OPENSSL_TCTI: tcti, TPM2TOOLS_TCTI: tcti, TSS2_LOG: 'all+NONE' };
  const { status, stdout, error } = spawnSync(command, args, { cwd, env: environment, timeout: 60_000 });
  if (error !== undefined) throw error;
  return { status, stdout: stdout.toString() };
}
