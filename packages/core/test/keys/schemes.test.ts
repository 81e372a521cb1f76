import {
  isKeyAlgorithm,
  isPinProtected,
  keyAlgorithms,
  preferredScheme,
  schemesOf,
  signatureSchemes,
  type Key,
  type SignatureScheme,
} from '@countersign/core';
import { expect, test } from 'vitest';
import { examplePublicKey } from '../encodings/documents.ts';
import { refusal } from '../encodings/refusal.ts';

const rsa: readonly SignatureScheme[] = [
  'rsa-pkcs1-sha256',
  'rsa-pss-sha256',
  'rsa-pkcs1-sha384',
  'rsa-pss-sha384',
  'rsa-pkcs1-sha512',
  'rsa-pss-sha512',
];

test('the schemes of each key, best first', () => {
  expect(Object.fromEntries(keyAlgorithms.map((algorithm) => [algorithm, schemesOf(algorithm)]))).toEqual({
    p256: ['ecdsa-sha256', 'ecdsa-sha384', 'ecdsa-sha512'],
    p384: ['ecdsa-sha384', 'ecdsa-sha256', 'ecdsa-sha512'],
    p521: ['ecdsa-sha512', 'ecdsa-sha384', 'ecdsa-sha256'],
    rsa2048: rsa,
    rsa3072: rsa,
    rsa4096: rsa,
    ed25519: ['ed25519'],
  });
});

test('every scheme belongs to some key', () => {
  const all = new Set(keyAlgorithms.flatMap(schemesOf));
  expect([...all].toSorted()).toEqual(signatureSchemes.toSorted());
});

test('the names of key algorithms are exact', () => {
  for (const algorithm of keyAlgorithms) expect(isKeyAlgorithm(algorithm)).toBe(true);
  for (const text of ['', 'P256', 'p-256', 'rsa', 'rsa1024', 'rsa2048 ', 'ed448', 'toString', '__proto__']) {
    expect(isKeyAlgorithm(text)).toBe(false);
  }
});

test('the preferred scheme is the first that the key names, even if its type would have a better one', () => {
  expect(preferredScheme(keyWith(['rsa-pss-sha512', 'rsa-pkcs1-sha256']))).toBe('rsa-pss-sha512');
  const error = refusal(() => preferredScheme(keyWith([])));
  expect([error.code, error.message]).toEqual([
    'SCHEME_NOT_SUPPORTED',
    'the key memory:id=00 offers no signature scheme',
  ]);
});

test('a capability is found by narrowing', () => {
  const key = keyWith([]);
  expect(isPinProtected(key)).toBe(false);
  expect(isPinProtected(Object.assign(key, { unlock: async () => Promise.resolve() }))).toBe(true);
});

function keyWith(schemes: readonly SignatureScheme[]): Key {
  return {
    ref: 'memory:id=00',
    label: 'a key',
    algorithm: 'p256',
    publicKey: examplePublicKey,
    schemes,
    sign: async () => Promise.reject(new Error('this key signs nothing')),
  };
}
