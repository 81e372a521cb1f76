import { bitString, nullValue, oid, sequence, unsignedInteger } from '../asn1/der-writer.ts';
import { CountersignError } from '../errors.ts';
import { oids } from '../object-identifiers.ts';
import type { EllipticCurve } from './elliptic-curve.ts';
import { PublicKey } from './public-key.ts';

/** Public keys from the parts that other formats than SubjectPublicKeyInfo hold. Each throws what `PublicKey.parse` throws. */

/** @param modulus and @param exponent big-endian */
export function rsaPublicKey(modulus: Uint8Array, exponent: Uint8Array): PublicKey {
  return rsaPublicKeyOf(sequence(unsignedInteger(modulus), unsignedInteger(exponent)));
}

/** @param der RSAPublicKey (RFC 8017 A.1.1) */
export function rsaPublicKeyOf(der: Uint8Array): PublicKey {
  return PublicKey.parse(sequence(sequence(oid(oids.rsaEncryption), nullValue()), bitString(der)));
}

/** @param x and @param y big-endian, as long as the curve's coordinates */
export function ecPublicKey(curve: EllipticCurve, x: Uint8Array, y: Uint8Array): PublicKey {
  // Too short a one beside one too long would still make a point of the right length.
  if (x.length !== curve.coordinateBytes || y.length !== curve.coordinateBytes) {
    throw new CountersignError(
      'KEY_POINT_INVALID',
      `the public key has coordinates of ${x.length} and ${y.length} octets; expected ${curve.coordinateBytes} each`,
      'Check what wrote the key; generate a new key pair if need be.',
      { adcs: 'CERTSRV_E_KEY_LENGTH' },
    );
  }
  const point = Buffer.concat([Uint8Array.of(0x04), x, y]);
  return PublicKey.parse(sequence(sequence(oid(oids.ecPublicKey), oid(curve.oid)), bitString(point)));
}

/** @param key the 32 octets of RFC 8032 5.1.5 */
export function ed25519PublicKey(key: Uint8Array): PublicKey {
  return PublicKey.parse(sequence(sequence(oid(oids.ed25519)), bitString(key)));
}
