import { randomInt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { bigPowerModulo, primorial, vulnerableFactor } from './roca-factors.ts';
import {
  modulusWith,
  oddPrimes,
  quality,
  rsaPublicKey,
  unremarkableModulus,
  withResidue,
} from './rsa-moduli.ts';

/** 2048 bits, from a vulnerable device: the third vector of the discoverers' detector. */
const knownModulus = BigInt(
  '0x9dcd7420e420c270a68060eb8b5aa7457a9f6648f86fafed2775cc1f79ae962f1e63f1b9e51c55f9ea6fdc7332e9b0058c9ff2eb1fc89855029cf6aafe21e689feb38ac9ffb12f1ce371bb5d0e9aae64161abce74b4244bf68f1edb4411f756a097c8929c14740245ea355f8332d1aa36bb50c7dcb4505da8de02e4e53d38f8df06097da7524df0df93db48eac8cc4af2d3a16257eb2b2adca6ba464e5974fa92550d31b1babf161e7692d00b86e3dd886ecab4abfbe1a8f8cc263ff4af55cdb45f4249a5193925f5e983d762f0b6800943eb0267b08f42ed311ce1f5c86eacbc8ce4d3cb7a2fee1ef5641423a1cf4114e5ecf50034a60a412523af9e6f4aa11',
);

/**
 * What the discoverers' detector takes for a fingerprint, as it is published: bit r is set if r may be the modulus modulo the
 * prime. Modulo the other primes of its list, which goes from 3 to 167, r may be anything but 0.
 */
const publishedMasks: ReadonlyMap<number, bigint> = new Map([
  [11, 1026n],
  [13, 5658n],
  [17, 107286n],
  [19, 199410n],
  [37, 67109890n],
  [53, 5310023542746834n],
  [61, 1455791217086302986n],
  [71, 20052041432995567486n],
  [73, 6041388139249378920330n],
  [79, 207530445072488465666n],
  [97, 79228162521181866724264247298n],
  [103, 1760368345969468176824550810518n],
  [107, 50079290986288516948354744811034n],
  [109, 473022961816146413042658758988474n],
  [127, 144390480366845522447407333004847678774n],
  [151, 1800793591454480341970779146165214289059119882n],
  [157, 126304807362733370595828809000324029340048915994n],
]);
const detectorPrimes = oddPrimes.filter((prime) => prime <= 167);

/** Microsoft's list for orphaned keys (ADV190026). */
const microsoftPrimes = [
  11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 127, 151, 181, 197, 229, 233, 239, 241, 257, 281, 331, 349,
  353, 461, 523, 673,
];

test('the known modulus of a vulnerable device is refused', async () => {
  expect(await quality(rsaPublicKey(knownModulus))).toBe('KEY_HAS_ROCA');
});

test('the same modulus with any one bit changed is not taken for one with ROCA', async () => {
  for (let bit = 1n; bit < 2047n; bit++) {
    const verdict = await quality(rsaPublicKey(knownModulus ^ (1n << bit)));
    // Some of them have a small factor, which is looked for first.
    expect(['good', 'KEY_HAS_SMALL_FACTOR'], `bit ${bit}`).toContain(verdict);
  }
  expect(await quality(rsaPublicKey(knownModulus ^ (1n << 2042n)))).toBe('good');
});

// Nemec et al., The Return of Coppersmith's Attack, table 1: so many primes make up M.
test.each([
  [2048, 126],
  [3072, 126],
  [4096, 225],
])('moduli of %i bits with factors k · M + (65537^a mod M) are refused', async (bits, count) => {
  const m = primorial(count);
  for (let i = 0; i < 20; i++) {
    const modulus = vulnerableFactor(bits / 2, m) * vulnerableFactor(bits / 2, m);
    expect(await quality(rsaPublicKey(modulus)), modulus.toString(16)).toBe('KEY_HAS_ROCA');
  }
});

describe.each([
  { list: 'of the detector', primes: detectorPrimes },
  { list: 'of Microsoft', primes: microsoftPrimes },
])('by the list $list', ({ primes }) => {
  // The other list never applies: modulo every prime that is not on this one, the modulus looks unlike ROCA where it can.
  const exponent = randomInt(1, 2 ** 32);
  const fingerprinted = modulusWith((prime) =>
    primes.includes(prime) ? powerOf65537(prime, exponent) : (outsideOf(prime)[0] ?? 1),
  );

  test('a modulus that looks like ROCA by this list alone is refused', async () => {
    expect(await quality(rsaPublicKey(fingerprinted))).toBe('KEY_HAS_ROCA');
  });

  test('every power of 65537 counts modulo every prime, and nothing else does', async () => {
    for (const prime of primes) {
      const outside = new Set(outsideOf(prime));
      for (let residue = 1; residue < prime; residue++) {
        const verdict = await quality(rsaPublicKey(withResidue(fingerprinted, prime, residue)));
        expect(verdict, `${residue} modulo ${prime}`).toBe(outside.has(residue) ? 'good' : 'KEY_HAS_ROCA');
      }
    }
  });
});

test('which residues are powers of 65537 is what the detector publishes', () => {
  for (const prime of detectorPrimes) {
    const outside = new Set(outsideOf(prime));
    let mask = 0n;
    for (let r = 1; r < prime; r++) if (!outside.has(r)) mask |= 1n << BigInt(r);
    expect(mask, `${prime}`).toBe(publishedMasks.get(prime) ?? 2n ** BigInt(prime) - 2n);
  }
});

test('two lists half met do not make a fingerprint', async () => {
  // 107 is on the detector's list only, 331 on Microsoft's only.
  const modulus = modulusWith((prime) =>
    prime === 107 || prime === 331 ? (outsideOf(prime)[0] ?? 1) : powerOf65537(prime, 12345),
  );
  expect(await quality(rsaPublicKey(modulus))).toBe('good');
  expect(await quality(rsaPublicKey(unremarkableModulus()))).toBe('good');
});

/** The residues that no power of 65537 has: those that the order of 65537 does not bring to 1 (the group is cyclic). */
function outsideOf(prime: number): number[] {
  let order = 1;
  while (powerModulo(65537, order, prime) !== 1) order++;
  return Array.from({ length: prime - 1 }, (_, i) => i + 1).filter((r) => powerModulo(r, order, prime) !== 1);
}

function powerOf65537(prime: number, exponent: number): number {
  return powerModulo(65537, exponent, prime);
}

function powerModulo(base: number, exponent: number, modulus: number): number {
  return Number(bigPowerModulo(BigInt(base), BigInt(exponent), BigInt(modulus)));
}
