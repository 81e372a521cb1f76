import { PublicKey } from '@countersign/core';
import { expect, test } from 'vitest';
import { concat, hex, int, nullElement, oid, seq, tlv } from '../encodings/der.ts';
import { refusal, verdict } from '../encodings/refusal.ts';
import { integer, rsaKey, rsaKeyOf } from './subject-public-keys.ts';

const modulus = 2n ** 2048n - 1n;

test.each([512, 1023, 1024, 1536, 2040, 2047, 2049, 2056, 3071, 3073, 4095, 4104, 8192, 65536])(
  'a modulus of %i bits is refused',
  (size) => {
    for (const odd of [2n ** BigInt(size) - 1n, 2n ** BigInt(size - 1) + 1n]) {
      const error = refusal(() => PublicKey.parse(rsaKey(odd, 65537n)));
      expect([error.code, error.message, error.adcs?.symbol]).toEqual([
        'KEY_NOT_ACCEPTABLE',
        `the public key has an RSA modulus of ${size} bits; expected 2048, 3072 or 4096 bits`,
        'CERTSRV_E_KEY_LENGTH',
      ]);
    }
  },
);

test('the smallest and the largest odd modulus of 2048 bits are taken, even ones are refused', () => {
  for (const odd of [2n ** 2047n + 1n, modulus]) {
    expect(PublicKey.parse(rsaKey(odd, 65537n)).algorithm).toBe('rsa2048');
  }
  for (const even of [2n ** 2047n, modulus - 1n]) {
    expect(refusal(() => PublicKey.parse(rsaKey(even, 65537n))).message).toContain('an even RSA modulus');
  }
});

test.each([
  0n,
  1n,
  2n,
  3n,
  17n,
  65535n,
  65536n,
  65538n,
  65539n,
  2n ** 32n + 65537n,
  modulus - 2n,
  2n ** 100_000n + 1n,
])('a public exponent other than 65537 is refused', (exponent) => {
  const error = refusal(() => PublicKey.parse(rsaKey(modulus, exponent)));
  expect([error.code, error.message]).toEqual([
    'KEY_EXPONENT_NOT_ACCEPTABLE',
    'the public key has an RSA public exponent other than 65537; expected 65537',
  ]);
});

test('the parameters are NULL (RFC 3279 2.3.1)', () => {
  expect(verdict(() => PublicKey.parse(rsaKey(modulus, 65537n, nullElement)))).toBe('taken');
  for (const parameters of [
    new Uint8Array(),
    oid('1.2.3'),
    seq(),
    concat(nullElement, nullElement),
    hex('050100'),
  ]) {
    expect(verdict(() => PublicKey.parse(rsaKey(modulus, 65537n, parameters)))).toBe('DER_MALFORMED');
  }
});

test.each<[string, Uint8Array]>([
  ['a negative modulus', seq(int(...new Uint8Array(256).fill(0xff)), integer(65537n))],
  [
    'a modulus with a superfluous zero',
    seq(tlv(0x02, new Uint8Array(2), new Uint8Array(256).fill(0xff)), integer(65537n)),
  ],
  ['a negative exponent', seq(integer(modulus), int(0xff, 0x01))],
  ['an exponent with a superfluous zero', seq(integer(modulus), int(0, 1, 0, 1))],
  ['no exponent', seq(integer(modulus))],
  ['a third number', seq(integer(modulus), integer(65537n), int(0))],
  ['something after it', concat(seq(integer(modulus), integer(65537n)), nullElement)],
  ['nothing in it', new Uint8Array()],
  ['an OCTET STRING around it', tlv(0x04, seq(integer(modulus), integer(65537n)))],
])('an RSAPublicKey with %s is refused', (_, rsaPublicKey) => {
  expect(verdict(() => PublicKey.parse(rsaKeyOf(rsaPublicKey)))).toBe('DER_MALFORMED');
});
