import { randomBytes, randomInt } from 'node:crypto';
import {
  assertGoodKey,
  CountersignError,
  PublicKey,
  type ErrorCode,
  type KeyPolicy,
} from '@countersign/core';
import { rsaKey } from '../keys/subject-public-keys.ts';

/** RSA moduli with chosen residues modulo small primes. Nobody needs to know their factors, so few of them are products. */

export const sizes = [2048, 3072, 4096] as const;

/** One prime more than those that are tried as factors. */
export const oddPrimes: readonly number[] = oddPrimesUpTo(757);

/** What the default policy, or the given one, says of a key; an exception that is no refusal goes on. */
export async function quality(publicKey: PublicKey, policy?: KeyPolicy): Promise<ErrorCode | 'good'> {
  try {
    await assertGoodKey(publicKey, policy);
    return 'good';
  } catch (error) {
    if (error instanceof CountersignError) return error.code;
    throw error;
  }
}

export function rsaPublicKey(modulus: bigint): PublicKey {
  return PublicKey.parse(rsaKey(modulus, 65537n));
}

/** An odd modulus that has the given residues modulo the `oddPrimes` and is random otherwise. */
export function modulusWith(residueOf: (prime: number) => number, bits: number = 2048): bigint {
  // Half of the product is 0 modulo every prime of them, and odd.
  const residues = oddPrimes.reduce(
    (sum, prime) => sum + BigInt(residueOf(prime)) * unitOf(prime),
    product / 2n,
  );
  const random = largeNumber(bits);
  return random - (random % product) + (residues % product);
}

/** The same modulus to all `oddPrimes` but one. */
export function withResidue(modulus: bigint, prime: number, residue: number): bigint {
  const difference = residue - Number(modulus % BigInt(prime)) + prime;
  return modulus + ((BigInt(difference) * unitOf(prime)) % product);
}

/** A modulus without a factor among the `oddPrimes`, and without any other property on purpose. */
export function unremarkableModulus(bits: number = 2048): bigint {
  return modulusWith((prime) => randomInt(1, prime), bits);
}

export function hasSmallFactor(modulus: bigint): boolean {
  return oddPrimes.some((prime) => modulus % BigInt(prime) === 0n);
}

/** The two highest bits are set: the product of two such numbers has twice as many bits. */
export function largeNumber(bits: number): bigint {
  const size = BigInt(bits);
  return (3n << (size - 2n)) + (BigInt(`0x${randomBytes(bits / 8).toString('hex')}`) >> 2n);
}

/** Twice the product of the `oddPrimes`, about 2^1060. */
const product = oddPrimes.reduce((result, prime) => result * BigInt(prime), 2n);

/** 1 modulo the prime; 0 modulo the other primes, and even (Chinese remainder theorem). */
function unitOf(prime: number): bigint {
  return units.get(prime) ?? 0n;
}

const units: ReadonlyMap<number, bigint> = new Map(
  oddPrimes.map((prime) => {
    const others = product / BigInt(prime);
    let unit = others;
    while (unit % BigInt(prime) !== 1n) unit += others;
    return [prime, unit];
  }),
);

function oddPrimesUpTo(limit: number): number[] {
  const primes: number[] = [];
  for (let candidate = 3; candidate <= limit; candidate += 2) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes;
}
