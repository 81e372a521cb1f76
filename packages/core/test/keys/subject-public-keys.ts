import { bits, int, nullElement, oid, seq } from '../encodings/der.ts';

/** SubjectPublicKeyInfo structures, sound and otherwise, written part by part. */

export const curves = {
  p256: {
    oid: '1.2.840.10045.3.1.7',
    bytes: 32,
    p: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    nodeName: 'prime256v1',
  },
  p384: {
    oid: '1.3.132.0.34',
    bytes: 48,
    p: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    nodeName: 'secp384r1',
  },
  p521: { oid: '1.3.132.0.35', bytes: 66, p: 2n ** 521n - 1n, nodeName: 'secp521r1' },
} as const;

export function ecKey(point: Uint8Array, curveOid: string = curves.p256.oid): Uint8Array {
  return ecKeyWith(oid(curveOid), point);
}

export function ecKeyWith(parameters: Uint8Array, point: Uint8Array): Uint8Array {
  return seq(seq(oid('1.2.840.10045.2.1'), parameters), bits(point));
}

/** An RSA key; nobody needs to know the factors of its modulus. */
export function rsaKey(modulus: bigint, exponent: bigint, parameters: Uint8Array = nullElement): Uint8Array {
  return rsaKeyOf(seq(integer(modulus), integer(exponent)), parameters);
}

export function rsaKeyOf(rsaPublicKey: Uint8Array, parameters: Uint8Array = nullElement): Uint8Array {
  return seq(seq(oid('1.2.840.113549.1.1.1'), parameters), bits(rsaPublicKey));
}

export function ed25519Key(octets: Uint8Array, ...parameters: readonly Uint8Array[]): Uint8Array {
  return seq(seq(oid('1.3.101.112'), ...parameters), bits(octets));
}

/** A non-negative number as an INTEGER. */
export function integer(value: bigint): Uint8Array {
  const octets = toOctets(value, Math.max(1, Math.ceil(value.toString(16).length / 2)));
  return int(...((octets[0] ?? 0) >= 0x80 ? [0, ...octets] : octets));
}

export function toOctets(value: bigint, length: number): Uint8Array {
  return Uint8Array.from(Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex'));
}
