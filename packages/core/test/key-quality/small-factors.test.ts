import { expect, test } from 'vitest';
import {
  modulusWith,
  oddPrimes,
  quality,
  rsaPublicKey,
  sizes,
  unremarkableModulus,
  withResidue,
} from './rsa-moduli.ts';

test.each(sizes)('a modulus of %i bits that a single prime below 752 divides is refused', async (bits) => {
  const modulus = unremarkableModulus(bits);
  expect(await quality(rsaPublicKey(modulus))).toBe('good');
  for (const prime of oddPrimes.filter((candidate) => candidate < 752)) {
    const divisible = withResidue(modulus, prime, 0);
    expect(await quality(rsaPublicKey(divisible)), `${prime}`).toBe('KEY_HAS_SMALL_FACTOR');
  }
});

test('a modulus whose smallest factor is 757, the first prime above, is left to other checks', async () => {
  const divisible = withResidue(unremarkableModulus(), 757, 0);
  expect(divisible % 757n).toBe(0n);
  expect(await quality(rsaPublicKey(divisible))).toBe('good');
});

test('a modulus of nothing but small factors is refused', async () => {
  expect(await quality(rsaPublicKey(modulusWith(() => 0)))).toBe('KEY_HAS_SMALL_FACTOR');
  expect(await quality(rsaPublicKey(3n ** 1292n))).toBe('KEY_HAS_SMALL_FACTOR');
});
