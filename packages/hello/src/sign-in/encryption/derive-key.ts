import { createCipheriv, createHmac } from 'node:crypto';
import type { EncryptionTypeFacts } from './encryption-type.ts';

/** What a key is derived for: RFC 3961 5.3 calls the keys Ke and Ki. */
export type DerivedKeyPurpose = 'encryption' | 'integrity';

/**
 * Derives a key from a base key for one key usage number (RFC 3961 5.3 with RFC 3962, RFC 8009 5).
 * @param usage key usage number, RFC 4120 7.5.1
 */
export function deriveKey(
  facts: EncryptionTypeFacts,
  baseKey: Uint8Array,
  usage: number,
  purpose: DerivedKeyPurpose,
): Uint8Array {
  const constant = Buffer.alloc(5);
  constant.writeUInt32BE(usage);
  constant[4] = purpose === 'encryption' ? 0xaa : 0x55;
  const length = purpose === 'encryption' ? facts.keyBytes : facts.integrityKeyBytes;
  return facts.family === 'rfc3962'
    ? deriveByEncryption(baseKey, constant, length)
    : deriveByHmac(facts, baseKey, constant, length);
}

/**
 * n-fold (RFC 3961 5.1): copies of the input, each rotated right by 13 bits more than the one before, added in ones'
 * complement in blocks of the wanted length.
 */
export function nFold(input: Uint8Array, length: number): Uint8Array {
  const bits = BigInt(input.length * 8);
  const whole = toBigInt(input);
  const copies = leastCommonMultiple(input.length, length) / input.length;
  let repeated = 0n;
  for (let i = 0; i < copies; i++) {
    const rotation = BigInt(13 * i) % bits;
    const rotated = (whole >> rotation) | ((whole & ((1n << rotation) - 1n)) << (bits - rotation));
    repeated = (repeated << bits) | rotated;
  }
  const blockBits = BigInt(length * 8);
  const mask = (1n << blockBits) - 1n;
  let sum = 0n;
  for (let rest = repeated; rest > 0n; rest >>= blockBits) sum += rest & mask;
  // Ones' complement: carries come back in at the other end.
  while (sum > mask) sum = (sum & mask) + (sum >> blockBits);
  return Buffer.from(sum.toString(16).padStart(length * 2, '0'), 'hex');
}

/** DR and DK (RFC 3961 5.1): the folded constant encrypted over and over; random-to-key is the identity for AES. */
function deriveByEncryption(baseKey: Uint8Array, constant: Uint8Array, length: number): Uint8Array {
  const blocks: Uint8Array[] = [];
  let block = nFold(constant, 16);
  for (let bytes = 0; bytes < length; bytes += 16) {
    block = encryptBlock(baseKey, block);
    blocks.push(block);
  }
  return Buffer.concat(blocks).subarray(0, length);
}

/** KDF-HMAC-SHA2 (RFC 8009 3): one round of SP 800-108 in counter mode, without a context. */
function deriveByHmac(
  { hash }: EncryptionTypeFacts,
  baseKey: Uint8Array,
  constant: Uint8Array,
  length: number,
): Uint8Array {
  const lengthInBits = Buffer.alloc(4);
  lengthInBits.writeUInt32BE(length * 8);
  return createHmac(hash, baseKey)
    .update(Uint8Array.of(0, 0, 0, 1))
    .update(constant)
    .update(Uint8Array.of(0))
    .update(lengthInBits)
    .digest()
    .subarray(0, length);
}

function encryptBlock(key: Uint8Array, block: Uint8Array): Uint8Array {
  const cipher = createCipheriv(`aes-${key.length * 8}-cbc`, key, Buffer.alloc(16));
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(block), cipher.final()]);
}

function toBigInt(octets: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(octets).toString('hex')}`);
}

function leastCommonMultiple(a: number, b: number): number {
  let [larger, smaller] = [a, b];
  while (smaller !== 0) [larger, smaller] = [smaller, larger % smaller];
  return (a * b) / larger;
}
