import { createCipheriv, createHmac, randomBytes } from 'node:crypto';
import { deriveKey, encryptionTypes, type EncryptionType } from '@countersign/hello/sign-in';

/** The other direction of `decryptMessage`, as a KDC has it (RFC 3962 6, RFC 8009 5). */
export function encryptMessage(
  type: EncryptionType,
  key: Uint8Array,
  usage: number,
  plaintext: Uint8Array,
): Uint8Array {
  const facts = encryptionTypes[type];
  const confounded = Buffer.concat([randomBytes(16), plaintext]);
  const encrypted = encryptCts(deriveKey(facts, key, usage, 'encryption'), confounded);
  const authenticated =
    facts.family === 'rfc8009' ? Buffer.concat([new Uint8Array(16), encrypted]) : confounded;
  const integrityKey = deriveKey(facts, key, usage, 'integrity');
  const mac = createHmac(facts.hash, integrityKey).update(authenticated).digest();
  return Buffer.concat([encrypted, mac.subarray(0, facts.macBytes)]);
}

/** AES-CBC-CS3 with an IV of zeros (SP 800-38A addendum): 16 octets or more. */
export function encryptCts(key: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const blocks = Math.ceil(plaintext.length / 16);
  const padded = Buffer.alloc(blocks * 16);
  padded.set(plaintext);
  const cipher = createCipheriv(`aes-${key.length * 8}-cbc`, key, Buffer.alloc(16));
  cipher.setAutoPadding(false);
  const encrypted = Buffer.concat([cipher.update(padded), cipher.final()]);
  if (blocks < 2) return encrypted;
  const start = (blocks - 2) * 16;
  const last = encrypted.subarray(start + 16);
  const beforeLast = encrypted.subarray(start, start + 16);
  return Buffer.concat([encrypted.subarray(0, start), last, beforeLast]).subarray(0, plaintext.length);
}
