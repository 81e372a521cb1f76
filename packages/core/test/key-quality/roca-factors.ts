import { randomBytes } from 'node:crypto';
import { hasSmallFactor } from './rsa-moduli.ts';

/** Numbers as the generators with ROCA (CVE-2017-15361) make them: k · M + (65537^a mod M). */

export function bigPowerModulo(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2)) result = (result * result * (bit === '1' ? base : 1n)) % modulus;
  return result;
}

/** As the faulty library made its primes, the two highest bits set. A modulus does not show whether its factors are prime. */
export function vulnerableFactor(bits: number, m: bigint): bigint {
  const lowest = (3n << BigInt(bits - 2)) / m;
  for (;;) {
    const random = BigInt(`0x${randomBytes(32).toString('hex')}`);
    const k = lowest + 1n + (random % (lowest / 3n - 2n));
    const factor = k * m + bigPowerModulo(65537n, random, m);
    if (!hasSmallFactor(factor)) return factor;
  }
}

/** The product of the first primes. */
export function primorial(count: number): bigint {
  let product = 1n;
  for (let candidate = 2n, found = 0; found < count; candidate++) {
    // Each prime is the next number without a factor in common with the product of those before it.
    if (coprime(product, candidate)) {
      product *= candidate;
      found++;
    }
  }
  return product;
}

function coprime(a: bigint, b: bigint): boolean {
  while (b !== 0n) [a, b] = [b, a % b];
  return a === 1n;
}
