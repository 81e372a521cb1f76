import { createHmac, timingSafeEqual } from 'node:crypto';
import { CountersignError } from '@countersign/core';
import { decryptCts } from './aes-cts.ts';
import { deriveKey } from './derive-key.ts';
import { encryptionTypes, type EncryptionType, type EncryptionTypeFacts } from './encryption-type.ts';

const blockBytes = 16;

/**
 * Decrypts the cipher of an EncryptedData and checks its integrity (RFC 3962 6, RFC 8009 5).
 * @param key the base key, as long as the type's keys are
 * @param usage key usage number, RFC 4120 7.5.1
 * @returns the plaintext without its confounder
 * @throws CountersignError `KDC_REPLY_MISMATCH` if it was not encrypted with this key, or was altered
 */
export function decryptMessage(
  type: EncryptionType,
  key: Uint8Array,
  usage: number,
  ciphertext: Uint8Array,
): Uint8Array {
  const facts: EncryptionTypeFacts = encryptionTypes[type];
  if (key.length !== facts.keyBytes || ciphertext.length < blockBytes + facts.macBytes) {
    throw notAuthentic(type);
  }
  const encrypted = ciphertext.subarray(0, ciphertext.length - facts.macBytes);
  const mac = ciphertext.subarray(encrypted.length);
  const encryptionKey = deriveKey(facts, key, usage, 'encryption');
  const integrityKey = deriveKey(facts, key, usage, 'integrity');
  try {
    // RFC 8009 5 authenticates IV and ciphertext, RFC 3962 the plaintext.
    const expected = createHmac(facts.hash, integrityKey);
    if (facts.family === 'rfc8009') {
      expected.update(new Uint8Array(blockBytes)).update(encrypted);
      assertSameMac(expected.digest().subarray(0, facts.macBytes), mac, type);
      return decryptCts(encryptionKey, encrypted).subarray(blockBytes);
    }
    const plaintext = decryptCts(encryptionKey, encrypted);
    expected.update(plaintext);
    assertSameMac(expected.digest().subarray(0, facts.macBytes), mac, type);
    return plaintext.subarray(blockBytes);
  } finally {
    encryptionKey.fill(0);
    integrityKey.fill(0);
  }
}

function assertSameMac(expected: Uint8Array, found: Uint8Array, type: EncryptionType): void {
  if (!timingSafeEqual(expected, found)) throw notAuthentic(type);
}

function notAuthentic(type: EncryptionType): CountersignError {
  return new CountersignError(
    'KDC_REPLY_MISMATCH',
    `the part of the reply that is encrypted with ${type} does not decrypt under the key that was agreed upon`,
    'Something alters replies on their way, or the KDC derives the key otherwise: compare the versions of both.',
  );
}
