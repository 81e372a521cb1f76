import { residuesOf, smallPrimes } from './small-factors.ts';

/**
 * Whether an RSA modulus has the fingerprint of the generators with ROCA (CVE-2017-15361): their primes are powers of 65537
 * modulo many small primes, and so is the modulus. It has it if it looks so modulo every prime of either list; a modulus of
 * another origin does with less than one chance in 2^27.
 */
export function isRocaFingerprinted(modulus: bigint): boolean {
  const residues = residuesOf(modulus);
  return fingerprints.some((primes) =>
    primes.every(({ index, powers }) => powers.has(residues[index] ?? -1)),
  );
}

/** The primes that the discoverers' detector tries: from 3 to 167. */
const detectorPrimes = smallPrimes.filter((prime) => prime > 2 && prime <= 167);

/** The primes that Microsoft's tools for orphaned keys try (ADV190026). */
const microsoftPrimes = [
  331, 673, 241, 523, 461, 97, 257, 239, 37, 229, 349, 233, 281, 353, 79, 11, 181, 197, 61, 73, 127, 151, 13,
  17, 19, 53, 71, 103,
];

const fingerprints = [detectorPrimes, microsoftPrimes].map((primes) =>
  primes.map((prime) => ({ index: smallPrimes.indexOf(prime), powers: powersOf65537(prime) })),
);

/** The subgroup that 65537 generates modulo a prime. */
function powersOf65537(prime: number): ReadonlySet<number> {
  const powers = new Set<number>();
  for (let power = 1; !powers.has(power); power = (power * 65537) % prime) powers.add(power);
  return powers;
}
