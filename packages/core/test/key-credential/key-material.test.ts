import { generateKeyPairSync } from 'node:crypto';
import {
  createKeyCredential,
  encodeBcryptKeyBlob,
  KeyCredential,
  parseBcryptKeyBlob,
  PublicKey,
  type ErrorCode,
} from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { concat, hex, toHex } from '../encodings/der.ts';
import { examplePublicKey } from '../encodings/documents.ts';
import { verdict } from '../encodings/refusal.ts';
import { altered, entriesOf } from './blobs.ts';
import { realBlob } from './real-blobs.ts';

const sound = realBlob('userKey');
const rsaBlob = materialOf('userKey');

test('BCRYPT_RSAKEY_BLOB, both ways, is laid out as MS-ADTS 2.2.20.5.1 has it', () => {
  expect(toHex(rsaBlob.subarray(0, 27))).toBe('525341310008000003000000000100000000000000000000010001');
  expect(toHex(encodeBcryptKeyBlob(parseBcryptKeyBlob(rsaBlob)))).toBe(toHex(rsaBlob));
});

test('BCRYPT_ECCKEY_BLOB, both ways, is magic, length of a coordinate, X and Y', () => {
  const publicKey = PublicKey.parse(examplePublicKey);
  const encoded = encodeBcryptKeyBlob(publicKey);
  expect(toHex(encoded)).toBe(`4543533120000000${toHex(publicKey.subjectPublicKey.subarray(1))}`);
  expect(parseBcryptKeyBlob(encoded).equals(publicKey)).toBe(true);
});

test.each(['P-384', 'P-521'])('a key on %s is the same after a BCRYPT blob', (namedCurve) => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve });
  const parsed = PublicKey.parse(publicKey.export({ format: 'der', type: 'spki' }));
  expect(parseBcryptKeyBlob(encodeBcryptKeyBlob(parsed)).equals(parsed)).toBe(true);
});

test.each<[string, Uint8Array]>([
  ['BCRYPT', encodeBcryptKeyBlob(PublicKey.parse(examplePublicKey))],
  ['SubjectPublicKeyInfo', examplePublicKey],
])('a credential holds a P-256 key as %s', (_, keyMaterial) => {
  const { octets } = createKeyCredential({ keyMaterial, usage: 'ngc' });
  const material = KeyCredential.parse(octets).keyMaterial;
  expect(material.format === 'opaque' ? undefined : material.publicKey.subjectPublicKeyInfo).toEqual(
    examplePublicKey,
  );
});

describe('a BCRYPT blob is refused', () => {
  const ecc = encodeBcryptKeyBlob(PublicKey.parse(examplePublicKey));
  test.each<[string, Uint8Array, ErrorCode]>([
    ['of a private key', changed(rsaBlob, 0, '52534132'), 'KEY_CREDENTIAL_MALFORMED'],
    ['with another count of bits', changed(rsaBlob, 4, '01'), 'KEY_CREDENTIAL_MALFORMED'],
    [
      'with an exponent length that is too large',
      changed(rsaBlob, 8, 'ffffffff'),
      'KEY_CREDENTIAL_MALFORMED',
    ],
    ['without an exponent', changed(rsaBlob, 8, '00'), 'KEY_CREDENTIAL_MALFORMED'],
    ['with a longer modulus', changed(rsaBlob, 12, '01'), 'KEY_CREDENTIAL_MALFORMED'],
    ['with the length of a first prime', changed(rsaBlob, 16, '01'), 'KEY_CREDENTIAL_MALFORMED'],
    ['with the length of a second prime', changed(rsaBlob, 20, '01'), 'KEY_CREDENTIAL_MALFORMED'],
    ['with a zero before the exponent', changed(rsaBlob, 24, '000001'), 'KEY_CREDENTIAL_MALFORMED'],
    ['with exponent 65539', changed(rsaBlob, 24, '010003'), 'KEY_EXPONENT_NOT_ACCEPTABLE'],
    ['with a zero before the modulus', changed(rsaBlob, 27, '00'), 'KEY_CREDENTIAL_MALFORMED'],
    ['with an even modulus', changed(rsaBlob, 282, '00'), 'KEY_NOT_ACCEPTABLE'],
    ['with an octet after the modulus', concat(rsaBlob, hex('00')), 'KEY_CREDENTIAL_MALFORMED'],
    ['for ECDH', changed(ecc, 0, '45434b31'), 'KEY_CREDENTIAL_MALFORMED'],
    ['with coordinates of another curve', changed(ecc, 4, '30'), 'KEY_CREDENTIAL_MALFORMED'],
    ['with a point that is not on the curve', changed(ecc, 8, '00'), 'KEY_POINT_INVALID'],
    ['with half a point', ecc.subarray(0, 40), 'KEY_CREDENTIAL_MALFORMED'],
    ['with an octet after the point', concat(ecc, hex('00')), 'KEY_CREDENTIAL_MALFORMED'],
  ])('%s', (_, material, code) => {
    expect(verdict(() => KeyCredential.parse(altered(sound, 3, material)))).toBe(code);
  });
});

describe('a PCP blob is refused', () => {
  const pcp = materialOf('deviceKeyInTpm');
  test.each<[string, Uint8Array, ErrorCode]>([
    ['of a TPM 1.2', changed(pcp, 8, '01'), 'KEY_CREDENTIAL_MALFORMED'],
    ['with a header that ends in itself', changed(pcp, 4, '13'), 'KEY_CREDENTIAL_MALFORMED'],
    ['with a header beyond its end', changed(pcp, 4, 'ffffffff'), 'KEY_CREDENTIAL_MALFORMED'],
    ['with a public area beyond its end', changed(pcp, 16, 'ffffffff'), 'KEY_CREDENTIAL_MALFORMED'],
    ['with a public area longer than the key', changed(pcp, 16, '3d'), 'KEY_CREDENTIAL_MALFORMED'],
    ['with a key on a curve', changed(pcp, 0x3a, '0023'), 'KEY_CREDENTIAL_MALFORMED'],
    [
      'with another count of bits',
      changed(pcp, 0x3a + 2 + 2 + 4 + 34 + 6 + 2, '0400'),
      'KEY_CREDENTIAL_MALFORMED',
    ],
    ['cut off in its public area', pcp.subarray(0, 0x100), 'KEY_CREDENTIAL_MALFORMED'],
  ])('%s', (_, material, code) => {
    expect(verdict(() => KeyCredential.parse(altered(realBlob('deviceKeyInTpm'), 3, material)))).toBe(code);
  });
});

test('usages that are no key pairs leave the material as it is', () => {
  const keyMaterial = hex('00112233');
  const credential = createKeyCredential({ keyMaterial, usage: 'fek' });
  expect(credential.keyMaterial).toEqual({ format: 'opaque', octets: keyMaterial });
});

function materialOf(name: string): Uint8Array {
  return entriesOf(realBlob(name)).find(({ id }) => id === 3)?.value ?? new Uint8Array();
}

/** The octets with others in their place at an offset. */
function changed(octets: Uint8Array, at: number, by: string): Uint8Array {
  const copy = Uint8Array.from(octets);
  copy.set(hex(by), at);
  return copy;
}
