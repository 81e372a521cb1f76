import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  randomBytes,
  scrypt,
  timingSafeEqual,
} from 'node:crypto';
import { CountersignError } from '@countersign/core';
import { encodeSealedHeader } from './sealed-key-file.ts';
import { scryptMemoryBytes, type ScryptCost } from './scrypt-cost.ts';
import type { KeyHeader, SealedKey } from './stored-key.ts';

/**
 * Encrypts a private key under a PIN: AES-256-GCM with a key from scrypt over a fresh salt, so that no key and nonce
 * ever meet twice. Everything else that is stored is authenticated with it.
 * @param pkcs8 PrivateKeyInfo, DER (RFC 5208). The caller wipes it.
 */
export async function sealKey(
  header: KeyHeader,
  pkcs8: Uint8Array,
  pin: Uint8Array,
  cost: ScryptCost,
): Promise<SealedKey> {
  const salt = randomBytes(32);
  const nonce = randomBytes(12);
  const derived = await deriveKeys(pin, salt, cost);
  try {
    const keyCheck = computeKeyCheck(derived);
    const sealedHeader = { ...headerOf(header), protection: 'pin' as const, cost, salt, keyCheck, nonce };
    const cipher = createCipheriv('aes-256-gcm', encryptionKey(derived), nonce);
    cipher.setAAD(encodeSealedHeader(sealedHeader));
    const ciphertext = Buffer.concat([cipher.update(pkcs8), cipher.final()]);
    return { ...sealedHeader, ciphertext, tag: cipher.getAuthTag() };
  } finally {
    derived.fill(0);
  }
}

/**
 * @returns the private key (PKCS#8 DER; the caller wipes it), or undefined if the PIN is wrong.
 * @throws CountersignError `KEY_STORE_DAMAGED` if the PIN is right and what is stored was altered.
 */
export async function unsealKey(sealed: SealedKey, pin: Uint8Array): Promise<Uint8Array | undefined> {
  const derived = await deriveKeys(pin, sealed.salt, sealed.cost);
  try {
    const keyCheck = computeKeyCheck(derived);
    if (keyCheck.length !== sealed.keyCheck.length || !timingSafeEqual(keyCheck, sealed.keyCheck)) {
      return undefined;
    }
    return decrypt(sealed, encryptionKey(derived));
  } finally {
    derived.fill(0);
  }
}

const encryptionKeyBytes = 32;
const checkKeyBytes = 32;

function encryptionKey(derived: Uint8Array): Uint8Array {
  return derived.subarray(0, encryptionKeyBytes);
}

/**
 * The check costs a guesser one scrypt per PIN, as the GCM tag does, so storing it gives nothing away. It covers no
 * stored field: what an altered field breaks is the tag.
 */
function computeKeyCheck(derived: Uint8Array): Uint8Array {
  return createHmac('sha256', derived.subarray(encryptionKeyBytes))
    .update('countersign sealed key, key check')
    .digest();
}

function decrypt(sealed: SealedKey, key: Uint8Array): Uint8Array {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.nonce, { authTagLength: 16 });
  decipher.setAAD(encodeSealedHeader(sealed));
  decipher.setAuthTag(sealed.tag);
  const pkcs8 = decipher.update(sealed.ciphertext);
  try {
    decipher.final();
    return pkcs8;
  } catch (cause) {
    pkcs8.fill(0);
    throw new CountersignError(
      'KEY_STORE_DAMAGED',
      `the key ${sealed.id} was altered since it was sealed: the PIN is right, the authentication tag does not fit`,
      'Do not use this key. Restore its file from a backup, and find out who can write to the store.',
      { cause },
    );
  }
}

function deriveKeys(pin: Uint8Array, salt: Uint8Array, cost: ScryptCost): Promise<Uint8Array> {
  const options = { N: cost.N, r: cost.r, p: cost.p, maxmem: scryptMemoryBytes(cost) };
  return new Promise((resolve, reject) => {
    scrypt(pin, salt, encryptionKeyBytes + checkKeyBytes, options, (error, derived) => {
      if (error === null) resolve(derived);
      else reject(error);
    });
  });
}

function headerOf({ id, label, algorithm, publicKey, createdAt }: KeyHeader): KeyHeader {
  return { id, label, algorithm, publicKey, createdAt };
}
