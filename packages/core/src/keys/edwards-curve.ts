import { toBigInt } from './elliptic-curve.ts';

/** edwards25519: -x² + y² = 1 + dx²y² over GF(p) with cofactor 8 (RFC 8032 5.1). */
const p = 2n ** 255n - 19n;
const d = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;
/** The y of one pair of points of order 8; the other pair has -y. */
const order8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;

/** The y of the eight points whose order divides the cofactor. */
const smallOrders: ReadonlySet<bigint> = new Set([0n, 1n, p - 1n, order8, p - order8]);

/**
 * Validates an encoded point (RFC 8032 5.1.3). Points of small order are no public keys: signatures verify under them that
 * anyone can make, so that they prove possession of nothing.
 * @returns what is wrong, or undefined if the octets are an Ed25519 public key
 */
export function ed25519PointDefect(octets: Uint8Array): string | undefined {
  if (octets.length !== 32) return `${octets.length} octets`;
  // Little-endian, with the sign of x in the highest bit.
  const y = toBigInt(octets.toReversed()) & (2n ** 255n - 1n);
  if (y >= p) return 'a coordinate that is not below the prime of the field';
  if (smallOrders.has(y)) return 'a point of small order';
  const ySquared = (y * y) % p;
  // x² = (y² - 1) / (dy² + 1) has a root if and only if numerator times denominator has one.
  return isSquare(((ySquared - 1n) * (d * ySquared + 1n)) % p)
    ? undefined
    : 'a point that is not on the curve';
}

/** Euler's criterion, for what is not zero. */
function isSquare(value: bigint): boolean {
  let power = 1n;
  for (let base = value, exponent = (p - 1n) / 2n; exponent > 0n; exponent >>= 1n) {
    if ((exponent & 1n) === 1n) power = (power * base) % p;
    base = (base * base) % p;
  }
  return power === 1n;
}
