import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { encodePem, isPinProtected, type Key } from '@countersign/core';
import { expect, test } from 'vitest';
import { encodeTss2PrivateKey } from '../../src/keys/tss2-private-key.ts';
import { refusal } from '../refusal.ts';
import { makeBench } from './bench.ts';
import { utf8 } from './scene.ts';
import { verifies } from './verifies.ts';

const pin = utf8('482913');
const message = utf8('message');
const throughTpm = ['-provider', 'tpm2', '-provider', 'default', '-propquery', '?provider=tpm2'];

test.each(['p256', 'p384', 'rsa2048'] as const)(
  'a %s key made here signs in OpenSSL, with its PIN alone',
  async (algorithm) => {
    const bench = await makeBench();
    const provider = await bench.provider();
    const key = await provider.generate({ algorithm, label: 'künftig', pin });
    const open = await provider.generate({ algorithm, label: 'without PIN' });
    await writeFile(bench.at('key'), await provider.exportKeyFile(key.ref));
    await writeFile(bench.at('open'), await provider.exportKeyFile(open.ref));
    await provider.close();
    await bench.expectNothingLeft();

    const scheme = algorithm === 'rsa2048' ? 'rsa-pkcs1-sha256' : 'ecdsa-sha256';
    const sign = [
      'pkeyutl',
      ...throughTpm,
      '-sign',
      '-rawin',
      '-digest',
      'sha256',
      '-in',
      bench.at('message'),
    ];
    await bench.openssl(
      ...sign,
      '-inkey',
      bench.at('key'),
      '-passin',
      'pass:482913',
      '-out',
      bench.at('sig'),
    );
    expect(verifies(scheme, key.publicKey, message, await readFile(bench.at('sig')))).toBe(true);
    await bench.openssl(...sign, '-inkey', bench.at('open'), '-out', bench.at('sig'));
    expect(verifies(scheme, open.publicKey, message, await readFile(bench.at('sig')))).toBe(true);
    await expect(
      bench.openssl(...sign, '-inkey', bench.at('key'), '-passin', 'pass:482914', '-out', bench.at('sig')),
    ).rejects.toThrow();
  },
);

test('a PIN that was changed here is the one that OpenSSL wants', async () => {
  const bench = await makeBench();
  const provider = await bench.provider();
  const key = await provider.generate({ algorithm: 'p256', pin });
  await key.changePin(pin, utf8('another'));
  await writeFile(bench.at('key'), await provider.exportKeyFile(key.ref));
  await provider.close();
  const sign = ['pkeyutl', ...throughTpm, '-sign', '-rawin', '-digest', 'sha256', '-in', bench.at('message')];
  const withKey = [...sign, '-inkey', bench.at('key'), '-out', bench.at('sig')];
  await expect(bench.openssl(...withKey, '-passin', 'pass:482913')).rejects.toThrow();
  await bench.openssl(...withKey, '-passin', 'pass:another');
  expect(verifies('ecdsa-sha256', key.publicKey, message, await readFile(bench.at('sig')))).toBe(true);
});

const p256 = ['-algorithm', 'EC', '-pkeyopt', 'group:P-256'];
const p384 = ['-algorithm', 'EC', '-pkeyopt', 'group:P-384'];
const rsa = ['-algorithm', 'RSA', '-pkeyopt', 'bits:2048'];
const guarded = ['-pkeyopt', 'user-auth:482913'];
const persistentParent = ['-pkeyopt', 'parent:0x81000001'];

test.each<[string, readonly string[]]>([
  ['P-256, PIN, default parent', [...p256, ...guarded]],
  ['P-256, no PIN, default parent', p256],
  ['P-384, PIN, persistent parent', [...p384, ...guarded, ...persistentParent]],
  ['P-256, no PIN, persistent parent', [...p256, ...persistentParent]],
  ['RSA, PIN, persistent parent', [...rsa, ...guarded, ...persistentParent]],
  ['RSA, no PIN, default parent', rsa],
])('a key that OpenSSL made is imported and signs here: %s', async (_, options) => {
  const bench = await makeBench();
  // The storage root key, which OpenSSL does not make.
  await (await bench.provider()).close();
  await bench.openssl('genpkey', '-provider', 'tpm2', ...options, '-out', bench.at('key'));
  const provider = await bench.provider();
  const ref = await provider.importKeyFile(await readFile(bench.at('key')), 'theirs');
  const key = await provider.open(ref);
  expect(key.label).toBe('theirs');
  expect(isPinProtected(key)).toBe(options.includes('user-auth:482913'));
  if (isPinProtected(key)) {
    expect((await refusal(async () => key.unlock(utf8('482914')))).code).toBe('PIN_INCORRECT');
    await key.unlock(pin);
  }
  for (const scheme of key.schemes) {
    expect(verifies(scheme, key.publicKey, message, await key.sign(scheme, message))).toBe(true);
  }
  await expectPinChange(key, options.includes('parent:0x81000001'));
  await provider.close();
  await bench.expectNothingLeft();
});

test('keys of both parents, ours and theirs, share the slots', async () => {
  const bench = await makeBench();
  await (await bench.provider()).close();
  const refs: string[] = [];
  for (const [index, options] of [p256, [...p256, ...persistentParent], rsa, p384].entries()) {
    await bench.openssl('genpkey', '-provider', 'tpm2', ...options, '-out', bench.at(`key${index}`));
  }
  const provider = await bench.provider();
  for (const index of [0, 1, 2, 3]) {
    refs.push(await provider.importKeyFile(await readFile(bench.at(`key${index}`))));
  }
  refs.push((await provider.generate({ algorithm: 'p256' })).ref);
  const keys = await Promise.all(refs.map(async (ref) => provider.open(ref)));
  for (let round = 0; round < 3; round += 1) {
    for (const key of keys) {
      const [scheme] = key.schemes;
      if (scheme === undefined) throw new Error('the key has no scheme');
      expect(verifies(scheme, key.publicKey, message, await key.sign(scheme, message))).toBe(true);
    }
  }
  await provider.close();
  await bench.expectNothingLeft();
});

test('a key that is not for signing messages is not imported', async () => {
  const bench = await makeBench();
  await (await bench.provider()).close();
  const restricted = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign';
  const shape = ['-C', '0x81000001', '-G', 'ecc256:ecdsa-sha256:null', '-a', restricted];
  await bench.tool('tpm2_create', ...shape, '-u', bench.at('pub'), '-r', bench.at('priv'));
  await bench.tool('tpm2_flushcontext', '-t');
  const [publicArea, privateArea] = await Promise.all([
    readFile(bench.at('pub')),
    readFile(bench.at('priv')),
  ]);
  const file = encodeTss2PrivateKey({
    publicArea: publicArea.subarray(2),
    privateArea: privateArea.subarray(2),
    parent: 0x81000001,
    emptyAuth: true,
  });
  const provider = await bench.provider();
  const error = await refusal(async () => provider.importKeyFile(utf8(file)));
  expect(error.code).toBe('KEY_NOT_ACCEPTABLE');
  expect(await provider.list()).toEqual([]);
});

test('tpm2_verifysignature takes our signature', async () => {
  const bench = await makeBench();
  const provider = await bench.provider();
  const key = await provider.generate({ algorithm: 'p256', pin });
  await writeFile(bench.at('sig'), await key.sign('ecdsa-sha256', message));
  await provider.close();
  await writeFile(bench.at('pub.pem'), encodePem('PUBLIC KEY', key.publicKey));
  await bench.tool(
    'tpm2_loadexternal',
    '-C',
    'n',
    '-G',
    'ecc',
    '-u',
    bench.at('pub.pem'),
    '-c',
    bench.at('ctx'),
  );
  await bench.tool('tpm2_flushcontext', '-t');
  const digest = createHash('sha256').update(message).digest();
  await writeFile(bench.at('digest'), digest);
  const verify = ['-c', bench.at('ctx'), '-s', bench.at('sig'), '-f', 'ecdsa', '-d', bench.at('digest')];
  await bench.tool('tpm2_verifysignature', ...verify);
  await writeFile(bench.at('digest'), createHash('sha256').update('other').digest());
  await expect(bench.tool('tpm2_verifysignature', ...verify)).rejects.toThrow();
});

/** The PIN of a key under another parent than the storage root key stays what it is. */
async function expectPinChange(key: Key, isPossible: boolean): Promise<void> {
  if (!isPinProtected(key)) return;
  const another = utf8('another');
  if (isPossible) {
    await key.changePin(pin, another);
    await key.unlock(another);
  } else {
    expect((await refusal(async () => key.changePin(pin, another))).code).toBe('PROVIDER_NOT_AVAILABLE');
    await key.unlock(pin);
  }
}
