import { checkPrimeSync, generatePrimeSync } from 'node:crypto';
import { PublicKey } from '@countersign/core';
import { test } from 'vitest';
import { concat, hex, int, nullElement, oid, seq, tlv } from '../encodings/der.ts';
import { requestWith } from '../enrollment/handmade-request.ts';
import { bigPowerModulo, primorial, vulnerableFactor } from '../key-quality/roca-factors.ts';
import { largeNumber, unremarkableModulus } from '../key-quality/rsa-moduli.ts';
import { handmadeRsaKey } from '../keys/handmade-rsa-key.ts';
import {
  curves,
  ecKey,
  ecKeyWith,
  ed25519Key,
  integer,
  rsaKey,
  rsaKeyOf,
  toOctets,
} from '../keys/subject-public-keys.ts';
import {
  benchOf,
  casesAt,
  createBench,
  expectRefused,
  type Attempt,
  type Attempts,
} from './refusal-bench.ts';

const { p, bytes } = curves.p256;
const b = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
/** A point on P-256 whose x is 0: y is a root of b. */
const y = bigPowerModulo(b, (p + 1n) / 4n, p);

const attempts: Attempts<'key'> = {
  'RSA with ROCA': rsaWith(() => {
    const m = primorial(126);
    return [rocaPrime(m), rocaPrime(m)];
  }),
  'RSA with neighbouring factors': rsaWith(() => {
    const first = prime(1024);
    let second = first + 2n;
    while (!checkPrimeSync(second)) second += 2n;
    return [first, second];
  }),
  'RSA with a factor below 752': rsaWith(() => [751n, prime(1019), prime(1020)]),
  'RSA with the exponent 1': rsaWith(() => [prime(1024), prime(1024)], 1n),
  'RSA with the exponent 3': rsaWith(() => [prime(1024), prime(1024)], 3n),
  'RSA of 1024 bits': publicKey(() => rsaKey(largeNumber(1024) | 1n, 65537n)),
  'RSA with an even modulus': publicKey(() => rsaKey(unremarkableModulus() + 1n, 65537n)),
  'RSA with a negative modulus': publicKey(() =>
    rsaKeyOf(seq(int(0x80, ...new Uint8Array(255)), integer(65537n))),
  ),
  'RSA without NULL': publicKey(() => rsaKey(unremarkableModulus(), 65537n, new Uint8Array())),
  'octets after the RSA key': publicKey(() =>
    rsaKeyOf(concat(seq(integer(unremarkableModulus()), integer(65537n)), nullElement)),
  ),
  'a point off the curve': publicKey(() => ecKey(uncompressed(0n, y + 1n))),
  'the point at infinity': publicKey(() => ecKey(Uint8Array.of(0))),
  'a compressed point': publicKey(() =>
    ecKey(concat(Uint8Array.of(y % 2n === 0n ? 2 : 3), new Uint8Array(bytes))),
  ),
  'a coordinate plus p': publicKey(() => ecKey(uncompressed(p, y))),
  'explicit curve parameters': publicKey(() => ecKeyWith(explicitP256, uncompressed(0n, y))),
  'an inherited curve': publicKey(() => ecKeyWith(nullElement, uncompressed(0n, y))),
  'the curve P-192': publicKey(() =>
    ecKey(
      concat(
        Uint8Array.of(4),
        hex('188da80eb03090f67cbf20eb43a18800f4ff0afd82ff1012'),
        hex('07192b95ffc8da78631011ed6b24cdd573f977a11e794811'),
      ),
      '1.2.840.10045.3.1.1',
    ),
  ),
  'a curve whose last arc is 2^32 too large': publicKey(() =>
    ecKey(uncompressed(0n, y), `1.2.840.10045.3.1.${2 ** 32 + 7}`),
  ),
  'a key algorithm whose last arc is 2^32 too large': publicKey(() => {
    const algorithm = seq(oid(`1.2.840.10045.2.${2 ** 32 + 1}`), oid(curves.p256.oid));
    return seq(algorithm, tlv(0x03, Uint8Array.of(0), uncompressed(0n, y)));
  }),
  'an Ed25519 point of small order': publicKey(() => ed25519Key(new Uint8Array(32).with(0, 1))),
  'a blocked key': async (bench) => {
    const { keyId } = PublicKey.parse(bench.aliceKey.publicKey);
    const at = benchOf(bench, { keyPolicy: { isBlocked: (id) => id === keyId } });
    return { request: await requestWith({ key: bench.aliceKey }), at };
  },
  'an algorithm that the policy leaves out': async (bench) => {
    const at = benchOf(bench, { keyPolicy: { algorithms: ['p384'] } });
    return { request: await requestWith({ key: bench.aliceKey }), at };
  },
};

test.each(casesAt('key', attempts))('refused: $name ($rule: $code)', async (refused) => {
  await expectRefused(await createBench(), refused);
});

test('made by hand and sound, keys are certified', async () => {
  const bench = await createBench();
  const key = handmadeRsaKey(factorsOf2048Bits(() => [prime(1024), prime(1024)], 65537n));
  bench.directory.setKeys('alice@contoso.example', key);
  const request = await requestWith({ key, algorithm: sha256WithRsa });
  await bench.ca.issue((await bench.ra.countersign(request, 'alice@contoso.example')).der);
  // The points are good where nothing is wrong with how they are written.
  PublicKey.parse(ecKey(uncompressed(0n, y)));
});

const sha256WithRsa = seq(oid('1.2.840.113549.1.1.11'), nullElement);

/** Whoever made the request holds the key: nothing but its weakness stands against it. */
function rsaWith(factors: () => bigint[], exponent = 65537n): Attempt {
  return async ({ directory }) => {
    const key = handmadeRsaKey(factorsOf2048Bits(factors, exponent), exponent);
    directory.setKeys('alice@contoso.example');
    return { request: await requestWith({ key, algorithm: sha256WithRsa }) };
  };
}

/** The signature by another key is not looked at: the key is refused before. */
function publicKey(make: () => Uint8Array): Attempt {
  return async ({ aliceKey: key }) => ({ request: await requestWith({ key, publicKey: make() }) });
}

/** A modulus of just so many bits, and an exponent that has an inverse. */
function factorsOf2048Bits(make: () => bigint[], exponent: bigint): bigint[] {
  for (;;) {
    const factors = make();
    const bits = factors.reduce((product, factor) => product * factor).toString(2).length;
    const hasInverse = exponent === 1n || factors.every((factor) => factor % exponent !== 1n);
    if (bits === 2048 && hasInverse) return factors;
  }
}

function prime(bits: number): bigint {
  return generatePrimeSync(bits, { bigint: true });
}

function rocaPrime(m: bigint): bigint {
  for (;;) {
    const factor = vulnerableFactor(1024, m);
    if (checkPrimeSync(factor)) return factor;
  }
}

function uncompressed(x: bigint, yCoordinate: bigint): Uint8Array {
  return concat(Uint8Array.of(4), toOctets(x, bytes), toOctets(yCoordinate, bytes));
}

/** SpecifiedECDomain (SEC 1 C.2) that spells out P-256 but for its generator, which the forger may choose (CVE-2020-0601). */
const explicitP256 = seq(
  int(1),
  seq(oid('1.2.840.10045.1.1'), integer(p)),
  seq(tlv(0x04, toOctets(p - 3n, bytes)), tlv(0x04, toOctets(b, bytes))),
  tlv(0x04, uncompressed(0n, y)),
  integer(0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n),
  int(1),
);
