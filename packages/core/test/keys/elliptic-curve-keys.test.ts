import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { PublicKey } from '@countersign/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bits, concat, hex, int, nullElement, oid, seq } from '../encodings/der.ts';
import { refusal, verdict } from '../encodings/refusal.ts';
import { curves, ecKey, ecKeyWith, integer, toOctets } from './subject-public-keys.ts';

const examples = {
  // RFC 6979 A.2.5, A.2.6, A.2.7.
  p256: '60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299',
  p384:
    'ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13' +
    '8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720',
  p521:
    '01894550d0785932e00eaa23b694f213f8c3121f86dc97a04e5a7167db4e5bcd371123d46e45db6b5d5370a7f20fb633155d38ffa16d2bd761dcac474b9a2f5023a4' +
    '00493101c962cd4d2fddf782285e64584139c2f91b47f87ff82354d6630f746a28a0db25741b5b34a828008b22acc23f924faafbd4d33f81ea66956dfeaa2bfdfcf5',
} as const;

const cases = [
  { name: 'p256', ...curves.p256, example: hex(examples.p256) },
  { name: 'p384', ...curves.p384, example: hex(examples.p384) },
  { name: 'p521', ...curves.p521, example: hex(examples.p521) },
] as const;

describe.each(cases)('$name', ({ name, oid: curve, bytes, p, nodeName, example }) => {
  const parse = (point: Uint8Array): PublicKey => PublicKey.parse(ecKey(point, curve));
  const uncompressed = (x: bigint, y: bigint): Uint8Array =>
    concat(Uint8Array.of(4), toOctets(x, bytes), toOctets(y, bytes));
  const [x, y] = [example.subarray(0, bytes), example.subarray(bytes)].map((octets) =>
    BigInt(`0x${Buffer.from(octets).toString('hex')}`),
  );
  if (x === undefined || y === undefined) throw new Error('the example has two coordinates');

  test('points on the curve are taken', () => {
    expect(parse(uncompressed(x, y)).algorithm).toBe(name);
    expect(parse(uncompressed(x, p - y)).algorithm).toBe(name);
    for (let i = 0; i < 20; i++) {
      const { publicKey } = generateKeyPairSync('ec', { namedCurve: nodeName });
      expect(PublicKey.parse(publicKey.export({ format: 'der', type: 'spki' })).algorithm).toBe(name);
    }
  });

  test('points off the curve are refused', () => {
    for (const [wrongX, wrongY] of [
      [x, y + 1n],
      [x + 1n, y],
      [y, x],
      [0n, 0n],
      [1n, 1n],
      [x, 0n],
      [0n, y],
    ] as const) {
      const error = refusal(() => parse(uncompressed(wrongX, wrongY)));
      expect(error.code).toBe('KEY_POINT_INVALID');
      expect(error.message).toContain('not on the curve');
    }
    fc.assert(
      fc.property(fc.nat(16 * bytes - 1), (bit) => {
        const octets = Uint8Array.from(example);
        octets[bit >> 3] = (octets[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(verdict(() => parse(concat(Uint8Array.of(4), octets)))).toBe('KEY_POINT_INVALID');
      }),
    );
  });

  test('coordinates that are not below the prime are refused, even if they are right modulo the prime', () => {
    // There is room above the prime for these alone, so a point with small coordinates is looked for.
    const highest = 2n ** BigInt(8 * bytes) - 1n;
    const wrong: (readonly [bigint, bigint])[] = [
      [p, y],
      [x, p],
      [highest, y],
      [x, highest],
    ];
    if (x + p <= highest) wrong.push([x + p, y]);
    if (y + p <= highest) wrong.push([x, y + p]);
    for (const [wrongX, wrongY] of wrong) {
      expect(refusal(() => parse(uncompressed(wrongX, wrongY))).message).toContain('not below the prime');
    }
  });

  test('the point at infinity, compressed, hybrid and other forms are refused', () => {
    const parity = Number(y % 2n);
    const wrong: Readonly<Record<string, readonly Uint8Array[]>> = {
      infinity: [Uint8Array.of(0)],
      compressed: [Uint8Array.of(2 + parity, ...example.subarray(0, bytes))],
      'not 04 and': [
        new Uint8Array(),
        Uint8Array.of(4),
        Uint8Array.of(6 + parity, ...example),
        Uint8Array.of(5, ...example),
        example,
        Uint8Array.of(4, ...example.subarray(0, -1)),
        Uint8Array.of(4, ...example, 0),
        Uint8Array.of(4, 0, ...example),
        new Uint8Array(1 + 2 * bytes),
        new Uint8Array(2),
      ],
    };
    for (const [found, points] of Object.entries(wrong)) {
      for (const point of points) {
        const error = refusal(() => parse(point));
        expect([error.code, error.message]).toEqual(['KEY_POINT_INVALID', expect.stringContaining(found)]);
      }
    }
  });

  test('a point of this curve is none of another', () => {
    for (const other of cases) {
      if (other.name === name) continue;
      expect(verdict(() => PublicKey.parse(ecKey(uncompressed(x, y), other.oid)))).toBe('KEY_POINT_INVALID');
    }
  });
});

test('what node takes for the point at infinity never gets to node', () => {
  const infinity = ecKey(Uint8Array.of(0));
  expect(createPublicKey({ key: Buffer.from(infinity), format: 'der', type: 'spki' }).type).toBe('public');
  expect(verdict(() => PublicKey.parse(infinity))).toBe('KEY_POINT_INVALID');
});

test('curves are named, and are those of NIST with 256 bits and up (RFC 5480 2.1.1)', () => {
  const point = concat(Uint8Array.of(4), hex(examples.p256));
  for (const unknown of [
    '1.2.840.10045.3.1.1',
    '1.3.132.0.33',
    '1.3.132.0.10',
    '1.3.36.3.3.2.8.1.1.7',
    '1.2.3',
  ]) {
    const error = refusal(() => PublicKey.parse(ecKey(point, unknown)));
    expect([error.code, error.message]).toEqual([
      'ALGORITHM_NOT_SUPPORTED',
      `the public key is elliptic curve ${unknown}`,
    ]);
  }
  const { p } = curves.p256;
  const explicit = seq(
    int(1),
    seq(oid('1.2.840.10045.1.1'), integer(p)),
    seq(bits(toOctets(p - 3n, 32)), bits(new Uint8Array(32))),
    bits(point),
    integer(p),
  );
  for (const parameters of [explicit, nullElement, new Uint8Array(), seq()]) {
    expect(verdict(() => PublicKey.parse(ecKeyWith(parameters, point)))).toBe('KEY_CURVE_NOT_NAMED');
  }
  const twice = concat(oid(curves.p256.oid), nullElement);
  expect(verdict(() => PublicKey.parse(ecKeyWith(twice, point)))).toBe('DER_MALFORMED');
});
