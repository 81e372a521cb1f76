import { createHash, generateKeyPairSync } from 'node:crypto';
import { assertGoodKey, PublicKey } from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { modulusWith, quality, rsaPublicKey, unremarkableModulus } from './rsa-moduli.ts';

const info = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({
  format: 'der',
  type: 'spki',
});
const publicKey = PublicKey.parse(info);
const keyId = createHash('sha256').update(info).digest('hex');

describe('the list of algorithms', () => {
  test('lets in what it names and nothing else', async () => {
    expect(await quality(publicKey, { algorithms: ['p256', 'p384'] })).toBe('good');
    expect(await quality(publicKey, { algorithms: ['p256', 'rsa2048'] })).toBe('KEY_NOT_ACCEPTABLE');
    expect(await quality(publicKey, { algorithms: [] })).toBe('KEY_NOT_ACCEPTABLE');
  });

  test('tells RSA keys of one size from those of another', async () => {
    const algorithms = ['rsa3072', 'rsa4096'] as const;
    expect(await quality(rsaPublicKey(unremarkableModulus(3072)), { algorithms })).toBe('good');
    expect(await quality(rsaPublicKey(unremarkableModulus(2048)), { algorithms })).toBe('KEY_NOT_ACCEPTABLE');
  });

  test('does not spare an algorithm the other checks', async () => {
    const weak = rsaPublicKey(modulusWith(() => 0));
    expect(await quality(weak, { algorithms: ['rsa2048'] })).toBe('KEY_HAS_SMALL_FACTOR');
  });
});

describe('the list of blocked keys', () => {
  test('is asked by key id, at once or after looking somewhere', async () => {
    expect(await quality(publicKey, { isBlocked: (id) => id === keyId })).toBe('KEY_BLOCKED');
    expect(await quality(publicKey, { isBlocked: async (id) => id === keyId })).toBe('KEY_BLOCKED');
    expect(await quality(publicKey, { isBlocked: (id) => id !== keyId })).toBe('good');
    expect(await quality(publicKey, { isBlocked: async (id) => id !== keyId })).toBe('good');
  });

  test('holds RSA keys too, even if nothing else is wrong with them', async () => {
    const rsa = rsaPublicKey(unremarkableModulus());
    expect(await quality(rsa, { isBlocked: (id) => id === rsa.keyId })).toBe('KEY_BLOCKED');
  });

  test('cannot clear a weak key', async () => {
    const weak = rsaPublicKey(modulusWith(() => 0));
    expect(await quality(weak, { isBlocked: () => false })).toBe('KEY_HAS_SMALL_FACTOR');
  });

  test('lets no key through if it cannot tell', async () => {
    const fault = new Error('the list cannot be reached');
    const throwing = (): boolean => {
      throw fault;
    };
    await expect(assertGoodKey(publicKey, { isBlocked: throwing })).rejects.toBe(fault);
    await expect(assertGoodKey(publicKey, { isBlocked: async () => throwing() })).rejects.toBe(fault);
  });
});
