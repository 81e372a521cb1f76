import { createPrivateKey, createPublicKey, generatePrimeSync, randomInt, sign } from 'node:crypto';
import type { Key } from '@countersign/core';

/** Keys that sign and verify like any others, and that others can factor. */

/** RSA-2048 whose factors are a prime and the next one: it signs and verifies like any other. */
export function keyWithCloseFactors(): Key {
  const p = largePrime();
  let q = p + 2n;
  while (!isProbablePrime(q)) q += 2n;
  return keyOf(p, q);
}

/** RSA-2048 with a factor of three digits. */
export function keyWithSmallFactor(): Key {
  for (;;) {
    const q = generatePrimeSync(2038, { bigint: true });
    if ((751n * q).toString(2).length === 2048 && q % 65537n !== 1n) return keyOf(751n, q);
  }
}

/** RSA-2048 as Infineon's library made them (CVE-2017-15361): each factor is k·M + (65537^a mod M). */
export function keyWithRoca(): Key {
  return keyOf(rocaPrime(), rocaPrime());
}

function rocaPrime(): bigint {
  // For keys of 2048 bits M is the product of the first 126 primes.
  const m = [2, ...oddPrimesUpTo(701)].reduce((product, prime) => product * BigInt(prime), 1n);
  const generated = power(65537n, BigInt(randomInt(1 << 30)), m);
  for (;;) {
    const high = (3n << 1022n) + (BigInt(randomInt(1 << 30)) << 990n);
    const candidate = (high / m) * m + generated + m * BigInt(randomInt(1 << 20));
    if (isProbablePrime(candidate) && candidate % 65537n !== 1n) return candidate;
  }
}

function keyOf(p: bigint, q: bigint): Key {
  const e = 65537n;
  const d = inverse(e, (p - 1n) * (q - 1n));
  const jwk = {
    kty: 'RSA',
    ...octetsOf({ n: p * q, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) }),
  };
  const privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    ref: 'test:weak',
    label: 'weak',
    algorithm: 'rsa2048',
    publicKey: Uint8Array.from(publicKey),
    schemes: ['rsa-pkcs1-sha256'],
    sign: (_, message) => Promise.resolve(Uint8Array.from(sign('sha256', message, privateKey))),
  };
}

/** 1024 bits, the two highest set; 65537 does not divide the number before it. */
function largePrime(): bigint {
  for (;;) {
    const prime = generatePrimeSync(1024, { bigint: true });
    if (prime >> 1022n === 3n && prime % 65537n !== 1n) return prime;
  }
}

/** Fermat's test to the base 2 is enough to find a neighbour. */
function isProbablePrime(n: bigint): boolean {
  if ([3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n].some((prime) => n % prime === 0n)) return false;
  return power(2n, n - 1n, n) === 1n;
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = (result * result * (bit === '1' ? base : 1n)) % modulus;
  }
  return result;
}

function oddPrimesUpTo(limit: number): number[] {
  const odd = Array.from({ length: limit }, (_, i) => i).filter((i) => i > 2 && i % 2 === 1);
  return [...odd, limit].filter((n) => odd.every((d) => d >= n || n % d !== 0));
}

/** Euclid's extended algorithm. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [r, nextR, s, nextS] = [modulus, value % modulus, 0n, 1n];
  while (nextR !== 0n) {
    const quotient = r / nextR;
    [r, nextR, s, nextS] = [nextR, r - quotient * nextR, nextS, s - quotient * nextS];
  }
  return ((s % modulus) + modulus) % modulus;
}

function octetsOf(numbers: Readonly<Record<string, bigint>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(numbers).map(([name, number]) => {
      const hex = number.toString(16);
      const octets = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
      return [name, octets.toString('base64url')];
    }),
  );
}
