import { constants, createPublicKey, verify } from 'node:crypto';
import type { SignatureScheme } from '@countersign/core';

/** Whether node:crypto, which the provider does not sign with, finds a signature right. */
export function verifies(
  scheme: SignatureScheme,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  const hash = /sha\d+$/.exec(scheme)?.[0] ?? null;
  if (!scheme.startsWith('rsa-pss')) return verify(hash, message, { key, dsaEncoding: 'der' }, signature);
  const saltLength = Number(scheme.slice(-3)) / 8;
  return verify(hash, message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature);
}
