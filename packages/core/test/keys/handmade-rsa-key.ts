import { createHash } from 'node:crypto';
import type { Key, KeyAlgorithm } from '@countersign/core';
import { bigPowerModulo } from '../key-quality/roca-factors.ts';
import { integer, rsaKey, toOctets } from './subject-public-keys.ts';

/**
 * An RSA key of any factors and exponent, however weak: one that `node:crypto` would not make, or not sign with. It signs
 * with PKCS #1 v1.5 and SHA-256 whatever scheme is asked for, and does the bare operation.
 */
export interface HandmadeRsaKey extends Key {
  /** RSASP1 (RFC 8017 5.2.1). @param message as long as the modulus */
  raw(message: Uint8Array): Uint8Array;
}

export function handmadeRsaKey(factors: readonly bigint[], exponent = 65537n): HandmadeRsaKey {
  const modulus = factors.reduce((product, factor) => product * factor, 1n);
  const d = inverse(
    exponent,
    factors.reduce((product, factor) => product * (factor - 1n), 1n),
  );
  const bytes = integer(modulus).length - (modulus.toString(2).length % 8 === 0 ? 5 : 4);
  const algorithm: KeyAlgorithm = 'rsa2048';
  const raw = (message: Uint8Array): Uint8Array =>
    toOctets(bigPowerModulo(BigInt(`0x${Buffer.from(message).toString('hex')}`), d, modulus), bytes);
  return {
    ref: 'test:handmade',
    label: 'handmade',
    algorithm,
    publicKey: rsaKey(modulus, exponent),
    schemes: ['rsa-pkcs1-sha256'],
    raw,
    sign: (_, message) => Promise.resolve(raw(encodedMessage(message, bytes))),
  };
}

/** EMSA-PKCS1-v1_5 with SHA-256 (RFC 8017 9.2). */
function encodedMessage(message: Uint8Array, bytes: number): Uint8Array {
  const digestInfo = Buffer.concat([sha256Prefix, createHash('sha256').update(message).digest()]);
  const padding = new Uint8Array(bytes - 3 - digestInfo.length).fill(0xff);
  return Uint8Array.from([0, 1, ...padding, 0, ...digestInfo]);
}

const sha256Prefix = Buffer.from('3031300d060960864801650304020105000420', 'hex');

/** Euclid's extended algorithm. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [r, nextR, s, nextS] = [modulus, value % modulus, 0n, 1n];
  while (nextR !== 0n) {
    const quotient = r / nextR;
    [r, nextR, s, nextS] = [nextR, r - quotient * nextR, nextS, s - quotient * nextS];
  }
  return ((s % modulus) + modulus) % modulus;
}
