import { createHash, generateKeyPairSync, generatePrimeSync } from 'node:crypto';
import { assertGoodKey, PublicKey } from '@countersign/core';
import { describe, expect, test } from 'vitest';

/** 2048 bits, from a vulnerable device; the test vector of the discoverers' own detector. */
const rocaModulus = BigInt(
  '0x9dcd7420e420c270a68060eb8b5aa7457a9f6648f86fafed2775cc1f79ae962f1e63f1b9e51c55f9ea6fdc7332e9b0058c9ff2eb1fc89855029cf6aafe21e689feb38ac9ffb12f1ce371bb5d0e9aae64161abce74b4244bf68f1edb4411f756a097c8929c14740245ea355f8332d1aa36bb50c7dcb4505da8de02e4e53d38f8df06097da7524df0df93db48eac8cc4af2d3a16257eb2b2adca6ba464e5974fa92550d31b1babf161e7692d00b86e3dd886ecab4abfbe1a8f8cc263ff4af55cdb45f4249a5193925f5e983d762f0b6800943eb0267b08f42ed311ce1f5c86eacbc8ce4d3cb7a2fee1ef5641423a1cf4114e5ecf50034a60a412523af9e6f4aa11',
);

describe('an RSA key', () => {
  test.each([2048, 3072, 4096])('of %i bits from a sound generator is good', async (modulusLength) => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength });
    await assertGoodKey(PublicKey.parse(publicKey.export({ format: 'der', type: 'spki' })));
  });

  test('whose modulus is the product of two random primes is good, time and again', async () => {
    const primes = Array.from({ length: 24 }, () => generatePrimeSync(1024, { bigint: true }));
    for (const [i, p] of primes.entries()) {
      for (const q of primes.slice(i + 1)) {
        const modulus = p * q;
        if (modulus >> 2047n === 1n) await assertGoodKey(rsaKey(modulus));
      }
    }
  });

  test('with the fingerprint of ROCA is refused', async () => {
    await expect(assertGoodKey(rsaKey(rocaModulus))).rejects.toMatchObject({ code: 'KEY_HAS_ROCA' });
  });

  test('that differs from one with ROCA in a single bit is not taken for one', async () => {
    await assertGoodKey(rsaKey(rocaModulus - (1n << 2042n)));
  });

  test.each([3n, 5n, 7n, 11n, 167n, 331n, 673n, 743n, 751n])('that %i divides is refused', async (factor) => {
    // The next odd multiple of the factor above a random number.
    const random = generatePrimeSync(2048, { bigint: true });
    let modulus = random - (random % factor) + factor;
    if (modulus % 2n === 0n) modulus += factor;
    const refused = assertGoodKey(rsaKey(modulus));
    await expect(refused).rejects.toMatchObject({ code: 'KEY_HAS_SMALL_FACTOR' });
  });

  test('whose smallest factor is the first prime that is not tried is let through by that test', async () => {
    const modulus = 757n * generatePrimeSync(2039, { bigint: true, add: 4n, rem: 3n });
    if (modulus >> 2047n === 1n) await assertGoodKey(rsaKey(modulus));
  });

  test('that is the square of a prime is refused', async () => {
    const p = largePrime();
    await expect(assertGoodKey(rsaKey(p * p))).rejects.toMatchObject({ code: 'KEY_HAS_CLOSE_FACTORS' });
  });

  test('whose factors are neighbouring primes is refused', async () => {
    const p = largePrime();
    let q = p + 2n;
    while (!isProbablePrime(q)) q += 2n;
    await expect(assertGoodKey(rsaKey(p * q))).rejects.toMatchObject({ code: 'KEY_HAS_CLOSE_FACTORS' });
  });

  test('is refused if Fermat needs 110 rounds, and not if he needs 111', async () => {
    for (const [round, isRefused] of [
      [1n, true],
      [100n, true],
      [110n, true],
      [111n, false],
    ] as const) {
      const modulus = modulusFoundInRound(round);
      const outcome = await assertGoodKey(rsaKey(modulus)).then(
        () => 'good',
        (error: unknown) => error,
      );
      if (isRefused) expect(outcome).toMatchObject({ code: 'KEY_HAS_CLOSE_FACTORS' });
      else expect(outcome).toBe('good');
    }
  });

  test.each([
    ['1', '020101'],
    ['3', '020103'],
    ['65536', '0203010000'],
    ['-3', '0201fd'],
    ['2^32 + 1', '02050100000001'],
  ])('with the exponent %s is refused before anything else looks at it', (_, exponent) => {
    const spki = rsaInfo(rocaModulus, Buffer.from(exponent, 'hex'));
    expect(() => PublicKey.parse(spki)).toThrow(expect.objectContaining({ name: 'CountersignError' }));
  });
});

describe('a policy', () => {
  const info = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({
    format: 'der',
    type: 'spki',
  });
  const publicKey = PublicKey.parse(info);

  test('that does not list the algorithm refuses the key', async () => {
    await assertGoodKey(publicKey, { algorithms: ['p256', 'p384'] });
    const refused = assertGoodKey(publicKey, { algorithms: ['p256', 'rsa2048'] });
    await expect(refused).rejects.toMatchObject({ code: 'KEY_NOT_ACCEPTABLE' });
  });

  test('may block keys by their id, at once or after looking somewhere', async () => {
    const blocked = createHash('sha256').update(info).digest('hex');
    await expect(assertGoodKey(publicKey, { isBlocked: (id) => id === blocked })).rejects.toMatchObject({
      code: 'KEY_BLOCKED',
    });
    await expect(assertGoodKey(publicKey, { isBlocked: async (id) => id === blocked })).rejects.toMatchObject(
      {
        code: 'KEY_BLOCKED',
      },
    );
    await assertGoodKey(publicKey, { isBlocked: () => false });
  });

  test('that cannot tell whether a key is blocked lets none through', async () => {
    const fault = new Error('the list cannot be reached');
    await expect(assertGoodKey(publicKey, { isBlocked: async () => Promise.reject(fault) })).rejects.toBe(
      fault,
    );
  });
});

/**
 * (a - b)(a + b) with a exactly `round` steps above the root: N = a² - b² lies between (a - round)² and (a - round + 1)².
 */
function modulusFoundInRound(round: bigint): bigint {
  for (;;) {
    const a = largePrime() & ~0xffffn;
    // b² must exceed a² - (a - round + 1)², and stay within a² - (a - round)².
    const b = squareRoot(2n * a * round - round * round) | 1n;
    for (const candidate of [b, b - 2n]) {
      const modulus = (a - candidate) * (a + candidate);
      const root = squareRoot(modulus);
      const isOdd = (modulus & 1n) === 1n;
      const hasNoSmallFactor =
        [3n, 5n, 7n, 11n, 13n].every((prime) => modulus % prime !== 0n) && !hasSmallFactor(modulus);
      if (isOdd && root + round === a && modulus >> 2047n === 1n && hasNoSmallFactor) return modulus;
    }
  }
}

function hasSmallFactor(modulus: bigint): boolean {
  for (let factor = 3n; factor < 752n; factor += 2n) if (modulus % factor === 0n) return true;
  return false;
}

/** 1024 bits, the two highest set, so that the product of two has 2048. */
function largePrime(): bigint {
  for (;;) {
    const prime = generatePrimeSync(1024, { bigint: true });
    if (prime >> 1022n === 3n) return prime;
  }
}

/** Fermat's test to the base 2 is enough to find a neighbour. */
function isProbablePrime(n: bigint): boolean {
  if ([3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n].some((prime) => n % prime === 0n)) return false;
  let result = 1n;
  for (const bit of (n - 1n).toString(2)) result = (result * result * (bit === '1' ? 2n : 1n)) % n;
  return result === 1n;
}

/** By bisection: slow, and another way than the one under test. */
function squareRoot(value: bigint): bigint {
  let [low, high] = [0n, 1n << BigInt(Math.ceil(value.toString(2).length / 2) + 1)];
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle * middle <= value) low = middle;
    else high = middle;
  }
  return low;
}

function rsaKey(modulus: bigint): PublicKey {
  return PublicKey.parse(rsaInfo(modulus, Buffer.from('0203010001', 'hex')));
}

function rsaInfo(modulus: bigint, exponent: Uint8Array): Uint8Array {
  const hex = modulus.toString(16);
  const magnitude = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  const key = element(0x30, element(0x02, Buffer.concat([Buffer.of(0), magnitude])), exponent);
  const algorithm = Buffer.from('300d06092a864886f70d0101010500', 'hex');
  return element(0x30, algorithm, element(0x03, Buffer.of(0), key));
}

function element(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const contents = Buffer.concat(parts);
  const length =
    contents.length < 0x80 ? [contents.length] : [0x82, contents.length >> 8, contents.length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...length), contents]);
}
