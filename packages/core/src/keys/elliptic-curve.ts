import { oids } from '../object-identifiers.ts';

/** A NIST curve y² = x³ - 3x + b over GF(p) with cofactor 1 (SP 800-186 3.2.1). */
export interface EllipticCurve {
  readonly algorithm: 'p256' | 'p384' | 'p521';
  readonly oid: string;
  readonly coordinateBytes: number;
  readonly p: bigint;
  readonly b: bigint;
  /** The order of the base point. */
  readonly n: bigint;
}

const p256: EllipticCurve = {
  algorithm: 'p256',
  oid: oids.prime256v1,
  coordinateBytes: 32,
  p: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
  b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
};

const p384: EllipticCurve = {
  algorithm: 'p384',
  oid: oids.secp384r1,
  coordinateBytes: 48,
  p: 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffffn,
  b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
  n: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
};

const p521: EllipticCurve = {
  algorithm: 'p521',
  oid: oids.secp521r1,
  coordinateBytes: 66,
  p: (1n << 521n) - 1n,
  b: 0x051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00n,
  n: 0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
};

export const ellipticCurves: readonly EllipticCurve[] = [p256, p384, p521];

/**
 * Full public key validation (SP 800-56A 5.6.2.3.3; cofactor 1 makes the order check follow from the equation).
 * @param point the octets of an ECPoint; only the uncompressed form 04 || x || y is taken (RFC 5480 2.2)
 * @returns what is wrong, or undefined if the point is a public key of this curve
 */
export function pointDefect(curve: EllipticCurve, point: Uint8Array): string | undefined {
  const size = curve.coordinateBytes;
  if (point.length === 1 && point[0] === 0x00) return 'the point at infinity';
  if (point[0] === 0x02 || point[0] === 0x03) return 'a compressed point';
  if (point[0] !== 0x04 || point.length !== 1 + 2 * size)
    return `a point that is not 04 and ${2 * size} octets`;
  const x = toBigInt(point.subarray(1, 1 + size));
  const y = toBigInt(point.subarray(1 + size));
  if (x >= curve.p || y >= curve.p) return 'a coordinate that is not below the prime of the field';
  const onCurve = (y * y - (x * x - 3n) * x - curve.b) % curve.p === 0n;
  return onCurve ? undefined : 'a point that is not on the curve';
}

export function toBigInt(octets: Uint8Array): bigint {
  return octets.length === 0
    ? 0n
    : BigInt(`0x${Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('hex')}`);
}
