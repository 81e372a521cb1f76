import { constants, createPublicKey, verify } from 'node:crypto';
import type { Key, SignatureScheme } from '@countersign/core';
import { Deviation, shortHex } from './deviation.ts';

/** Octets of the hash that a scheme signs, or undefined for Ed25519. */
export function hashOf(
  scheme: SignatureScheme,
): { readonly name: string; readonly octets: number } | undefined {
  const name = /sha(?:256|384|512)$/.exec(scheme)?.[0];
  return name === undefined ? undefined : { name, octets: Number(name.slice(3)) / 8 };
}

/**
 * Whether node:crypto accepts a signature, ECDSA as DER.
 * @param publicKey SubjectPublicKeyInfo, DER
 * @param saltLength of RSASSA-PSS; absent: whichever the signature has
 */
export function verifies(
  publicKey: Uint8Array,
  scheme: SignatureScheme,
  message: Uint8Array,
  signature: Uint8Array,
  saltLength: number = constants.RSA_PSS_SALTLEN_AUTO,
): boolean {
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  const hash = hashOf(scheme)?.name;
  if (scheme.startsWith('rsa-pss')) {
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    return verify(hash, message, { key, padding, saltLength }, signature);
  }
  if (scheme.startsWith('ecdsa')) return verify(hash, message, { key, dsaEncoding: 'der' }, signature);
  return verify(hash, message, key, signature);
}

export function checkVerifies(
  { publicKey, algorithm }: Pick<Key, 'publicKey' | 'algorithm'>,
  scheme: SignatureScheme,
  message: Uint8Array,
  signature: Uint8Array,
  what = `a message of ${message.length} octets`,
): void {
  if (verifies(publicKey, scheme, message, signature)) return;
  throw new Deviation(
    `the ${scheme} signature of the ${algorithm} key over ${what} to verify`,
    `node:crypto refuses ${shortHex(signature)}`,
  );
}
