import { createHash, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { PublicKey } from '@countersign/core';
import { expect, test } from 'vitest';
import { bits, concat, hex, nullElement, oid, seq, toHex } from '../encodings/der.ts';
import { certificate, examplePublicKey } from '../encodings/documents.ts';
import { refusal, verdict } from '../encodings/refusal.ts';
import { curves, ed25519Key, rsaKey } from './subject-public-keys.ts';

// RFC 8032 7.1, test 1.
const ed25519Point = hex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');

test.each([
  ['p256', generateKeyPairSync('ec', { namedCurve: curves.p256.nodeName })],
  ['p384', generateKeyPairSync('ec', { namedCurve: curves.p384.nodeName })],
  ['p521', generateKeyPairSync('ec', { namedCurve: curves.p521.nodeName })],
  ['rsa2048', generateKeyPairSync('rsa', { modulusLength: 2048 })],
  ['ed25519', generateKeyPairSync('ed25519')],
])('a new %s key is taken, and node imports the same', (algorithm, { publicKey }) => {
  const der = publicKey.export({ format: 'der', type: 'spki' });
  const parsed = PublicKey.parse(der);
  expect(parsed.algorithm).toBe(algorithm);
  expect(toHex(parsed.subjectPublicKeyInfo)).toBe(toHex(der));
  expect(parsed.keyObject.equals(publicKey)).toBe(true);
  expect(parsed.keyObject).toBe(parsed.keyObject);
  expect(parsed.rsaModulusBytes).toBe(algorithm === 'rsa2048' ? 256 : undefined);
  expect(parsed.curve?.algorithm).toBe(algorithm.startsWith('p') ? algorithm : undefined);
  expect(parsed.equals(PublicKey.parse(Uint8Array.from(der)))).toBe(true);
  expect(parsed.equals(PublicKey.parse(rsaKey(2n ** 2047n + 1n, 65537n)))).toBe(false);
});

test.each([
  [2048, 'rsa2048', 256],
  [3072, 'rsa3072', 384],
  [4096, 'rsa4096', 512],
])('an RSA key of %i bits is %s', (size, algorithm, bytes) => {
  const parsed = PublicKey.parse(rsaKey(2n ** BigInt(size) - 1n, 65537n));
  expect([parsed.algorithm, parsed.rsaModulusBytes]).toEqual([algorithm, bytes]);
});

test('keys are named by the SHA-1 of their octets in certificates and by the SHA-256 of the whole elsewhere', () => {
  // RFC 6979 A.2.5, known answers by OpenSSL: pkey -pubin -outform DER | sha256sum, x509 -ext subjectKeyIdentifier.
  const parsed = PublicKey.parse(examplePublicKey);
  expect(toHex(parsed.subjectPublicKey)).toBe(
    '0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299',
  );
  expect(toHex(parsed.keyIdentifier)).toBe('1a9569579bce329a942d0769c9c0b56431563710');
  expect(parsed.keyId).toBe('5a7a78cca4a0f420d9bc62bb669c3c2759e39f723d3ae10dcbe0f0815a07ecd4');
  const ed25519 = PublicKey.parse(ed25519Key(ed25519Point));
  expect(toHex(ed25519.keyIdentifier)).toBe(createHash('sha1').update(ed25519Point).digest('hex'));
});

test('the key of a certificate is the one that node finds in it', () => {
  const der = certificate();
  const { publicKey } = new X509Certificate(der);
  expect(toHex(publicKey.export({ format: 'der', type: 'spki' }))).toBe(toHex(examplePublicKey));
  expect(
    createPublicKey(publicKey.export({ format: 'pem', type: 'spki' })).equals(
      PublicKey.parse(examplePublicKey).keyObject,
    ),
  ).toBe(true);
});

test.each([
  ['DSA', '1.2.840.10040.4.1'],
  ['RSASSA-PSS', '1.2.840.113549.1.1.10'],
  ['RSAES-OAEP', '1.2.840.113549.1.1.7'],
  ['ECDH only', '1.3.132.1.12'],
  ['X25519', '1.3.101.110'],
  ['Ed448', '1.3.101.113'],
  ['ML-DSA-44', '2.16.840.1.101.3.4.3.17'],
  ['one that nobody knows', '1.2.3'],
])('a key for %s is not supported', (_, algorithm) => {
  for (const parameters of [[], [nullElement], [oid(curves.p256.oid)]]) {
    const error = refusal(() => PublicKey.parse(seq(seq(oid(algorithm), ...parameters), bits(ed25519Point))));
    expect(error.code).toBe('ALGORITHM_NOT_SUPPORTED');
    expect(error.hint).toContain('p256');
    expect(error.adcs?.hresult).toBe(0x80094811);
  }
});

test('an Ed25519 key has 32 octets and no parameters', () => {
  expect(PublicKey.parse(ed25519Key(ed25519Point)).algorithm).toBe('ed25519');
  for (const octets of [new Uint8Array(), ed25519Point.subarray(1), concat(ed25519Point, Uint8Array.of(0))]) {
    expect(verdict(() => PublicKey.parse(ed25519Key(octets)))).toBe('KEY_POINT_INVALID');
  }
  for (const parameters of [nullElement, oid(curves.p256.oid), seq()]) {
    expect(verdict(() => PublicKey.parse(ed25519Key(ed25519Point, parameters)))).toBe('DER_MALFORMED');
  }
});

const ed25519Prime = 2n ** 255n - 19n;

test.each([
  ['the neutral element', littleEndian(1n)],
  ['the point of order 2', littleEndian(ed25519Prime - 1n)],
  ['a point of order 4', littleEndian(0n)],
  ['the other point of order 4', littleEndian(2n ** 255n)],
  ['a point of order 8', hex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')],
  ['its negative', hex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85')],
  ['another point of order 8', hex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')],
  ['the negative of that', hex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa')],
  ['a coordinate that is not below the prime', littleEndian(ed25519Prime + 3n)],
  ['the neutral element, not reduced', littleEndian(ed25519Prime + 1n)],
  ['the neutral element with a sign', littleEndian(2n ** 255n + 1n)],
  ['no point at all', littleEndian(2n)],
  ['octets that are all ones', new Uint8Array(32).fill(0xff)],
])('an Ed25519 key that is %s is not acceptable', (_, octets) => {
  expect(verdict(() => PublicKey.parse(ed25519Key(octets)))).toBe('KEY_POINT_INVALID');
});

test('the keys that Ed25519 generates are taken, whatever the sign of x', () => {
  for (let i = 0; i < 50; i++) {
    const octets = generateKeyPairSync('ed25519')
      .publicKey.export({ format: 'der', type: 'spki' })
      .subarray(-32);
    const negated = Uint8Array.from(octets);
    negated[31] = (negated[31] ?? 0) ^ 0x80;
    for (const point of [octets, negated]) {
      expect(PublicKey.parse(ed25519Key(point)).algorithm).toBe('ed25519');
    }
  }
});

test('under a key of small order anyone could prove possession, so there is no such key', () => {
  // OpenSSL 3.0, which Node 22 carries, verifies R = neutral element, S = 0 under this key for every message.
  expect(refusal(() => PublicKey.parse(ed25519Key(littleEndian(1n)))).message).toContain('small order');
});

function littleEndian(value: bigint): Uint8Array {
  return hex(value.toString(16).padStart(64, '0')).toReversed();
}
