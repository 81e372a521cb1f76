import { generateKeyPairSync, randomBytes } from 'node:crypto';
import {
  createKeyCredential,
  KeyCredential,
  PublicKey,
  type ErrorCode,
  type KeyMaterial,
} from '@countersign/core';
import { expect, test } from 'vitest';
import { concat, hex } from '../encodings/der.ts';
import { examplePublicKey } from '../encodings/documents.ts';
import { verdict } from '../encodings/refusal.ts';

/** COSE keys and authenticator data, written by hand. */
const point = PublicKey.parse(examplePublicKey).subjectPublicKey;
const [x, y] = [point.subarray(1, 33), point.subarray(33)];
const es256 = concat(hex('a5 01 02 03 26 20 01 21 5820'), x, hex('22 5820'), y);
const credentialId = hex('c0ffee');

test('a key on P-256', () => {
  expect(publicKeyOf(material(es256))).toEqual(examplePublicKey);
});

test.each<[string, string, number]>([
  ['P-384', 'a5 01 02 03 3822 20 02', 48],
  ['P-521', 'a5 01 02 03 3823 20 03', 66],
])('a key on %s', (namedCurve, head, length) => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve });
  const spki = Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' }));
  const ecPoint = PublicKey.parse(spki).subjectPublicKey;
  const coordinate = (label: string, from: number): Uint8Array =>
    concat(hex(`${label} 58`), Uint8Array.of(length), ecPoint.subarray(from, from + length));
  const cose = concat(hex(head), coordinate('21', 1), coordinate('22', 1 + length));
  expect(publicKeyOf(material(cose))).toEqual(spki);
});

test('an Ed25519 key', () => {
  const { publicKey } = generateKeyPairSync('ed25519');
  const spki = Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' }));
  expect(publicKeyOf(material(concat(hex('a4 01 01 03 27 20 06 21 5820'), spki.subarray(-32))))).toEqual(
    spki,
  );
});

test('an RSA key', () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const spki = Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' }));
  const modulus = PublicKey.parse(spki).rsaModulus ?? new Uint8Array();
  const cose = concat(hex('a4 01 03 03 390100 20 590100'), modulus, hex('21 43 010001'));
  expect(publicKeyOf(material(cose))).toEqual(spki);
});

test('a key identifier may be the hash of the material, as MS-ADTS says', () => {
  const credential = createKeyCredential({ keyMaterial: material(es256), usage: 'fido' });
  expect(KeyCredential.parse(credential.octets).keyMaterial.format).toBe('fido');
});

const malformed = 'KEY_CREDENTIAL_MALFORMED';
test.each<[string, Uint8Array, ErrorCode]>([
  ['that is no JSON', Buffer.from('{'), malformed],
  ['that is not UTF-8', hex('7b ff 7d'), malformed],
  ['that is a list', Buffer.from('[]'), malformed],
  ['that is null', Buffer.from('null'), malformed],
  ['of version 2', json({ version: 2 }), malformed],
  ['of version "1"', json({ version: '1' }), malformed],
  ['without a version', json({ version: undefined }), malformed],
  ['without a display name', json({ displayName: undefined }), malformed],
  ['with certificates that are no list', json({ x5c: 'MAA=' }), malformed],
  ['with a certificate that is no base64', json({ x5c: ['?'] }), malformed],
  ['without authenticator data', json({ authData: undefined }), malformed],
  ['with authenticator data that is no base64', json({ authData: 'AA=A' }), malformed],
  ['with authenticator data that is cut off', json({ authData: 'AAAA' }), malformed],
  ['without a credential', material(es256, { flags: 0x05 }), malformed],
  ['with extensions that are not there', material(es256, { flags: 0xc5 }), malformed],
  ['with extensions that are no map', material(es256, { flags: 0xc5, after: hex('00') }), malformed],
  ['with octets after its key', material(concat(es256, hex('00'))), malformed],
  ['with a key that is no map', material(hex('43 010203')), malformed],
  ['with an empty key', material(hex('a0')), malformed],
  ['with an unknown type of key', material(concat(hex('a5 01 04'), es256.subarray(3))), malformed],
  ['for ES384 on P-256', material(concat(hex('a5 01 02 03 3822'), es256.subarray(5))), malformed],
  ['for ES256 on P-384', material(concat(hex('a5 01 02 03 26 20 02'), es256.subarray(7))), malformed],
  ['for RS1', material(hex('a4 01 03 03 39fffe 20 41 01 21 43 010001')), malformed],
  ['without Y', material(concat(hex('a4'), es256.subarray(1, -35))), malformed],
  ['with Y as a number', material(concat(es256.subarray(0, -34), hex('01'))), malformed],
  ['with a label twice', material(concat(hex('a6 01 02'), es256.subarray(1))), malformed],
  ['with a label that is a list', material(hex('a1 80 00')), malformed],
  ['with a number longer than it need be', material(concat(hex('a5 1801 02'), es256.subarray(3))), malformed],
  ['with an indefinite length', material(hex('bf 01 02 ff')), malformed],
  ['with a number of 64 bits', material(hex('a1 01 1b 0000000100000000')), malformed],
  ['with a tag', material(hex('a1 01 c1 00')), malformed],
  ['with a float', material(hex('a1 01 f9 0000')), malformed],
  ['with text that is not UTF-8', material(hex('a1 01 61 ff')), malformed],
  ['that is nested deeper than any', material(hex('81 81 81 81 81 81 00')), malformed],
  ['with more members than octets', material(hex('ba ffffffff 01 02')), malformed],
  [
    'with coordinates of 31 and 33 octets',
    material(
      concat(hex('a5 01 02 03 26 20 01 21 581f'), x.subarray(0, 31), hex('22 5821'), x.subarray(31), y),
    ),
    'KEY_POINT_INVALID',
  ],
  [
    'with a point that is not on the curve',
    material(concat(es256.subarray(0, -1), hex('00'))),
    'KEY_POINT_INVALID',
  ],
])('a FIDO key %s is refused', (_, keyMaterial, code) => {
  expect(verdict(() => createKeyCredential({ keyMaterial, usage: 'fido' }))).toBe(code);
});

function publicKeyOf(keyMaterial: Uint8Array): Uint8Array | undefined {
  const parsed: KeyMaterial = createKeyCredential({
    keyMaterial,
    usage: 'fido',
    keyId: credentialId,
  }).keyMaterial;
  return parsed.format === 'fido' ? parsed.publicKey.subjectPublicKeyInfo : undefined;
}

/** Authenticator data (WebAuthn 6.1) with this COSE key, in the JSON around it. */
function material(cose: Uint8Array, { flags = 0x45, after = hex('') } = {}): Uint8Array {
  const head = concat(randomBytes(32), Uint8Array.of(flags), hex('00000007'), randomBytes(16), hex('0003'));
  return json({ authData: Buffer.from(concat(head, credentialId, cose, after)).toString('base64') });
}

function json(members: Readonly<Record<string, unknown>>): Uint8Array {
  const authData = Buffer.from(new Uint8Array(200)).toString('base64');
  return Buffer.from(JSON.stringify({ version: 1, authData, x5c: [], displayName: 'Key', ...members }));
}
