import { randomBytes } from 'node:crypto';

/**
 * A fresh serial number: contents octets of a positive INTEGER with 142 random bits, always 18 octets
 * (RFC 5280 4.1.2.2 allows 20; CA/Browser Forum 7.1 wants 64 bits of randomness or more).
 */
export function newSerialNumber(): Uint8Array {
  const octets = randomBytes(18);
  // 01xxxxxx: never negative, never padded, so the length is the same in every certificate.
  octets[0] = 0x40 | ((octets[0] ?? 0) & 0x3f);
  return octets;
}
