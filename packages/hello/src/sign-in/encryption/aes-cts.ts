import { createDecipheriv } from 'node:crypto';

/**
 * Decrypts AES in CBC mode with ciphertext stealing and an IV of zeros (RFC 3962 5, RFC 8009 5): the last two blocks are
 * swapped always, and the last octets of the very last are left out.
 * @param ciphertext 16 octets or more
 * @returns as many octets as the ciphertext has
 */
export function decryptCts(key: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  const blocks = Math.ceil(ciphertext.length / blockBytes);
  if (blocks < 2) return decryptCbc(key, ciphertext);
  const head = ciphertext.subarray(0, (blocks - 2) * blockBytes);
  const swapped = ciphertext.subarray(head.length, head.length + blockBytes);
  const cut = ciphertext.subarray(head.length + blockBytes);
  // The swapped block is the last plaintext, filled up with zeros, XOR the block before it, encrypted: under the zeros
  // shows what the block before it lost.
  const mixed = decryptCbc(key, swapped);
  const lastPlain = cut.map((octet, i) => octet ^ (mixed[i] ?? 0));
  const restored = Buffer.concat([head, cut, mixed.subarray(cut.length)]);
  return Buffer.concat([decryptCbc(key, restored), lastPlain]);
}

const blockBytes = 16;

function decryptCbc(key: Uint8Array, ciphertext: Uint8Array): Buffer {
  const decipher = createDecipheriv(`aes-${key.length * 8}-cbc`, key, Buffer.alloc(blockBytes));
  decipher.setAutoPadding(false);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
}
