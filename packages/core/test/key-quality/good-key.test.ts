import { generateKeyPairSync, generatePrimeSync, type KeyObject } from 'node:crypto';
import { assertGoodKey, CountersignError, PublicKey } from '@countersign/core';
import { describe, expect, test, vi } from 'vitest';
import { modulusWith, quality, rsaPublicKey, sizes, unremarkableModulus, withResidue } from './rsa-moduli.ts';

describe('good keys are', () => {
  test.each(sizes)('RSA keys of %i bits that node generates', async (modulusLength) => {
    expect(await quality(exported(generateKeyPairSync('rsa', { modulusLength }).publicKey))).toBe('good');
  });

  test.each(['P-256', 'P-384', 'P-521'])('keys on the curve %s', async (namedCurve) => {
    expect(await quality(exported(generateKeyPairSync('ec', { namedCurve }).publicKey))).toBe('good');
  });

  test('Ed25519 keys', async () => {
    expect(await quality(exported(generateKeyPairSync('ed25519').publicKey))).toBe('good');
  });

  test('the products of random primes, every one of 120', async () => {
    const primes = Array.from({ length: 16 }, () => generatePrimeSync(1024, { bigint: true }));
    for (const [i, p] of primes.entries()) {
      for (const q of primes.slice(i + 1)) expect(await quality(rsaPublicKey(p * q))).toBe('good');
    }
  });

  test.each(sizes)('random moduli of %i bits without small factors, every one of 200', async (bits) => {
    for (let i = 0; i < 200; i++) {
      const modulus = unremarkableModulus(bits);
      expect(await quality(rsaPublicKey(modulus)), modulus.toString(16)).toBe('good');
    }
  });
});

test('node:crypto never gets to see a key, be it good or not', async () => {
  const imported = vi.spyOn(PublicKey.prototype, 'keyObject', 'get');
  try {
    expect(await quality(rsaPublicKey(unremarkableModulus()))).toBe('good');
    expect(await quality(rsaPublicKey(modulusWith(() => 0)))).toBe('KEY_HAS_SMALL_FACTOR');
    expect(await quality(exported(generateKeyPairSync('ed25519').publicKey))).toBe('good');
    expect(imported).not.toHaveBeenCalled();
  } finally {
    imported.mockRestore();
  }
});

test('a refusal names the key, says what to do, and is the one of AD CS', async () => {
  const publicKey = rsaPublicKey(withResidue(unremarkableModulus(), 751, 0));
  const error: unknown = await assertGoodKey(publicKey).catch((reason: unknown) => reason);
  if (!(error instanceof CountersignError)) throw new Error('a refusal was expected', { cause: error });
  expect([error.code, error.message, error.adcs?.symbol]).toEqual([
    'KEY_HAS_SMALL_FACTOR',
    `the public key (SHA-256 ${publicKey.keyId}) has an RSA modulus that 751 divides`,
    'CERTSRV_E_KEY_LENGTH',
  ]);
  expect(error.hint).toContain('Generate a new key pair');
});

function exported(publicKey: KeyObject): PublicKey {
  return PublicKey.parse(publicKey.export({ format: 'der', type: 'spki' }));
}
