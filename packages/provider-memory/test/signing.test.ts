import { execFileSync } from 'node:child_process';
import { constants, createPublicKey, verify } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  keyAlgorithms,
  signatureSchemes,
  type KeyAlgorithm,
  type KeySpec,
  type SignatureScheme,
} from '@countersign/core';
import { expect, test } from 'vitest';
import { quickProvider, utf8 } from './quick-provider.ts';
import { refusal } from './refusal.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const rsa: readonly SignatureScheme[] = [
  'rsa-pkcs1-sha256',
  'rsa-pss-sha256',
  'rsa-pkcs1-sha384',
  'rsa-pss-sha384',
  'rsa-pkcs1-sha512',
  'rsa-pss-sha512',
];
const expectedSchemes: Readonly<Record<KeyAlgorithm, readonly SignatureScheme[]>> = {
  p256: ['ecdsa-sha256'],
  p384: ['ecdsa-sha384', 'ecdsa-sha256'],
  p521: ['ecdsa-sha512', 'ecdsa-sha384', 'ecdsa-sha256'],
  rsa2048: rsa,
  rsa3072: rsa,
  rsa4096: rsa,
  ed25519: ['ed25519'],
};

test.each(keyAlgorithms)('%s signs with each of its schemes and refuses the others', async (algorithm) => {
  const provider = await quickProvider();
  const key = await provider.generate({ algorithm, label: 'signer' });
  expect(key).toMatchObject({ algorithm, label: 'signer', schemes: expectedSchemes[algorithm] });
  for (const scheme of signatureSchemes) {
    for (const message of [new Uint8Array(), utf8('a message'), new Uint8Array(100_000).fill(7)]) {
      if (key.schemes.includes(scheme)) {
        const signature = await key.sign(scheme, message);
        expect(Object.getPrototypeOf(signature)).toBe(Uint8Array.prototype);
        expect(verifies(scheme, key.publicKey, message, signature)).toBe(true);
        expect(verifies(scheme, key.publicKey, utf8('another'), signature)).toBe(false);
      } else {
        const error = await refusal(async () => key.sign(scheme, message));
        expect(error.code).toBe('SCHEME_NOT_SUPPORTED');
        expect(error.hint).toContain(key.schemes.join(', '));
      }
    }
  }
});

test.each<[KeyAlgorithm, SignatureScheme, readonly string[]]>([
  ['p256', 'ecdsa-sha256', ['-sha256']],
  ['p521', 'ecdsa-sha512', ['-sha512']],
  ['rsa2048', 'rsa-pkcs1-sha256', ['-sha256']],
  // The salt length is given, so one of another length is refused.
  [
    'rsa3072',
    'rsa-pss-sha384',
    ['-sha384', '-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:48'],
  ],
])('openssl accepts what %s signs with %s', async (algorithm, scheme, options) => {
  const directory = await temporaryDirectory();
  const provider = await quickProvider();
  const key = await provider.generate({ algorithm });
  const message = utf8('a message for openssl');
  const [publicKeyFile, signatureFile, messageFile] = ['key.pem', 'signature', 'message'].map((name) =>
    join(directory, name),
  );
  const publicKey = createPublicKey({ key: Buffer.from(key.publicKey), format: 'der', type: 'spki' });
  await writeFile(publicKeyFile ?? '', publicKey.export({ format: 'pem', type: 'spki' }));
  await writeFile(signatureFile ?? '', await key.sign(scheme, message));
  await writeFile(messageFile ?? '', message);
  const files = ['-verify', publicKeyFile ?? '', '-signature', signatureFile ?? '', messageFile ?? ''];
  const openssl = (): string =>
    execFileSync('openssl', ['dgst', ...options, ...files], { encoding: 'utf8', stdio: 'pipe' });
  expect(openssl()).toContain('Verified OK');
  await writeFile(messageFile ?? '', 'another message');
  expect(openssl).toThrow('Command failed');
});

test('openssl accepts an Ed25519 signature', async () => {
  const directory = await temporaryDirectory();
  const key = await (await quickProvider()).generate({ algorithm: 'ed25519' });
  await writeFile(join(directory, 'key.der'), key.publicKey);
  await writeFile(join(directory, 'message'), 'a message');
  await writeFile(join(directory, 'signature'), await key.sign('ed25519', utf8('a message')));
  const files = ['-inkey', 'key.der', '-keyform', 'DER', '-sigfile', 'signature', '-in', 'message'];
  const output = execFileSync('openssl', ['pkeyutl', '-verify', '-pubin', '-rawin', ...files], {
    cwd: directory,
    encoding: 'utf8',
  });
  expect(output).toContain('Signature Verified Successfully');
});

test.each<[KeyAlgorithm, SignatureScheme]>([
  ['p256', 'ecdsa-sha256'],
  ['rsa2048', 'rsa-pkcs1-sha256'],
  ['rsa2048', 'rsa-pss-sha256'],
  ['ed25519', 'ed25519'],
])('%s: what is signed with %s is settled when the call returns', async (algorithm, scheme) => {
  const key = await (await quickProvider()).generate({ algorithm });
  const message = new Uint8Array(200_000).fill(1);
  const pending = Array.from({ length: 6 }, async () => key.sign(scheme, message));
  message.fill(2);
  const original = new Uint8Array(200_000).fill(1);
  for (const signature of await Promise.all(pending)) {
    expect(verifies(scheme, key.publicKey, original, signature)).toBe(true);
  }
});

test('an unknown algorithm and an impossible label are refused', async () => {
  const provider = await quickProvider();
  // As a caller without types would have it.
  const generateUntyped = async (): Promise<unknown> =>
    Reflect.apply(async (spec: KeySpec) => provider.generate(spec), undefined, [{ algorithm: 'dsa1024' }]);
  expect((await refusal(generateUntyped)).code).toBe('ALGORITHM_NOT_SUPPORTED');
  for (const label of ['\ud800', 'x'.repeat(256)]) {
    const error = await refusal(async () => provider.generate({ algorithm: 'p256', label }));
    expect(error.code).toBe('VALUE_OUT_OF_RANGE');
  }
  expect(await provider.list()).toEqual([]);
});

function verifies(
  scheme: SignatureScheme,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  const hash = /sha\d+$/.exec(scheme)?.[0] ?? null;
  if (!scheme.startsWith('rsa-pss')) return verify(hash, message, { key, dsaEncoding: 'der' }, signature);
  const saltLength = Number(scheme.slice(-3)) / 8;
  return verify(hash, message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature);
}
