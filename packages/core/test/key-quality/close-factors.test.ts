import { checkPrimeSync, generatePrimeSync } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasSmallFactor, largeNumber, quality, rsaPublicKey, sizes } from './rsa-moduli.ts';

describe('refused are', () => {
  test('the square of a prime', async () => {
    const p = generatePrimeSync(1024, { bigint: true });
    expect(await quality(rsaPublicKey(p * p))).toBe('KEY_HAS_CLOSE_FACTORS');
  });

  test('the product of neighbouring primes', async () => {
    const p = generatePrimeSync(1024, { bigint: true });
    let q = p + 2n;
    while (!checkPrimeSync(q)) q += 2n;
    expect(await quality(rsaPublicKey(p * q))).toBe('KEY_HAS_CLOSE_FACTORS');
  });

  test('the product of factors two apart, one below a square', async () => {
    for (let i = 0; i < 10; i++) {
      let p = largeNumber(1024) | 1n;
      while (hasSmallFactor(p * (p + 2n))) p += 2n;
      expect(await quality(rsaPublicKey(p * (p + 2n)))).toBe('KEY_HAS_CLOSE_FACTORS');
    }
  });
});

test.each(sizes)('of %i bits, what Fermat finds in 110 rounds is refused, and nothing else', async (bits) => {
  for (const [round, verdict] of [
    [1, 'KEY_HAS_CLOSE_FACTORS'],
    [2, 'KEY_HAS_CLOSE_FACTORS'],
    [100, 'KEY_HAS_CLOSE_FACTORS'],
    [109, 'KEY_HAS_CLOSE_FACTORS'],
    [110, 'KEY_HAS_CLOSE_FACTORS'],
    [111, 'good'],
    [112, 'good'],
    [1000, 'good'],
  ] as const) {
    expect(await quality(rsaPublicKey(modulusFoundInRound(round, bits))), `round ${round}`).toBe(verdict);
  }
});

test('whichever round finds the factors', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 220 }), async (round) => {
      const verdict = round <= 110 ? 'KEY_HAS_CLOSE_FACTORS' : 'good';
      expect(await quality(rsaPublicKey(modulusFoundInRound(round, 2048)))).toBe(verdict);
    }),
  );
});

/**
 * N = a² - b² with a exactly `round` integers above its root: b² is put midway between 2a(round - 1) and 2a · round, and so
 * N lies between (a - round)² and (a - round + 1)².
 */
function modulusFoundInRound(round: number, bits: number): bigint {
  const steps = 2 * round - 1;
  // a is b² / steps, and shall be about 0.85 of 2^(bits / 2), so that N has the wanted size.
  const leading = BigInt(Math.round(Math.sqrt(0.85 * steps) * 2 ** 32));
  const b = (leading << BigInt(bits / 4 - 32)) + largeNumber(bits / 4 - 32);
  let a = (b * b) / BigInt(steps);
  if ((a + b) % 2n === 0n) a++;
  while (hasSmallFactor((a - b) * (a + b))) a += 2n;
  return (a - b) * (a + b);
}
