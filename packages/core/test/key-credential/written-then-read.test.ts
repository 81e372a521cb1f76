import {
  createKeyCredential,
  encodeBcryptKeyBlob,
  encodeDnWithBinary,
  fromRegisteredKeyCredential,
  KeyCredential,
  parseDnWithBinary,
  PublicKey,
  toRegisteredKeyCredential,
  type CustomKeyInformation,
  type KeyAlgorithm,
  type KeyCredentialFields,
} from '@countersign/core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { examplePublicKey } from '../encodings/documents.ts';
import { refusal, verdict } from '../encodings/refusal.ts';
import { softwareKey } from '../enrollment/software-key.ts';
import { blob, entriesOf } from './blobs.ts';

const keyMaterial = encodeBcryptKeyBlob(PublicKey.parse(examplePublicKey));

const octet = fc.integer({ min: 0, max: 255 });
const octets = (minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength });
const head = { flags: octet, volumeType: octet, supportsNotification: fc.integer({ min: 0, max: 1 }) };
const customKeyInformation: fc.Arbitrary<CustomKeyInformation> = fc.oneof(
  fc.record({ flags: octet }),
  fc.record({ flags: octet, volumeType: octet }),
  fc.record(head),
  fc.record({ ...head, fekKeyVersion: octet }),
  fc.record({ ...head, fekKeyVersion: octet, keyStrength: octet, reserved: octets(1, 10) }),
  fc.record({
    ...head,
    fekKeyVersion: octet,
    keyStrength: octet,
    reserved: octets(10, 10),
    extended: octets(1, 40),
  }),
);
const time = fc.date({
  min: new Date('1601-01-01'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
});
const fields = fc.record(
  {
    keyMaterial: fc.constant(keyMaterial),
    usage: fc.constantFrom<KeyCredentialFields['usage']>(
      'ngc',
      'stk',
      'adminKey',
      'bitLockerRecovery',
      'other',
      'fek',
    ),
    source: fc.constantFrom<'activeDirectory' | 'entraId'>('activeDirectory', 'entraId'),
    deviceId: fc.uuid(),
    customKeyInformation,
    lastLogonAt: time,
    createdAt: time,
  },
  { requiredKeys: ['keyMaterial', 'usage'] },
);

test('what is written is what is read', () => {
  fc.assert(
    fc.property(fields, fc.stringMatching(/^CN=[a-z:,=]{1,20}$/u), (given, distinguishedName) => {
      const written = createKeyCredential(given).octets;
      const value = parseDnWithBinary(encodeDnWithBinary({ octets: written, distinguishedName }));
      expect(value).toEqual({ octets: written, distinguishedName });
      const { keyMaterial: material, ...others } = given;
      const read = KeyCredential.parse(value.octets);
      expect(read).toMatchObject({ source: 'activeDirectory', hasKeyHash: true, ...others });
      expect(read.keyMaterial.octets).toEqual(material);
    }),
  );
});

test.each<[string, Partial<KeyCredentialFields>]>([
  ['a device ID that is none', { deviceId: '47f577e3d2d04a0a8acae0501098bde4' }],
  ['a FILETIME before 1601', { createdAt: new Date('1600-12-31T23:59:59.999Z') }],
  ['a time after 9999', { createdAt: new Date('+010000-01-01T00:00:00Z') }],
  ['no time', { lastLogonAt: new Date(Number.NaN) }],
  ['material that is too long', { keyMaterial: new Uint8Array(65536), usage: 'other' }],
  ['flags of more than an octet', { customKeyInformation: { flags: 256 } }],
  ['a field without the one before it', { customKeyInformation: { flags: 0, keyStrength: 1 } }],
  ['nothing reserved', { customKeyInformation: { ...information(), reserved: new Uint8Array() } }],
  ['eleven octets reserved', { customKeyInformation: { ...information(), reserved: new Uint8Array(11) } }],
  [
    'an extension after nine octets',
    { customKeyInformation: { ...information(), reserved: new Uint8Array(9), extended: new Uint8Array(1) } },
  ],
])('%s is not written', (_, wrong) => {
  expect(verdict(() => createKeyCredential({ keyMaterial, usage: 'ngc', ...wrong }))).toBe(
    'VALUE_OUT_OF_RANGE',
  );
});

test('neither is a key identifier that belongs to another key, nor a name without octets', () => {
  const wrong = { keyMaterial, usage: 'ngc', keyId: new Uint8Array(32) } as const;
  expect(verdict(() => createKeyCredential(wrong))).toBe('KEY_CREDENTIAL_MALFORMED');
  const noName = { octets: keyMaterial, distinguishedName: '' };
  expect(verdict(() => encodeDnWithBinary(noName))).toBe('VALUE_OUT_OF_RANGE');
});

test.each<[KeyAlgorithm, string]>([
  ['rsa2048', 'bcrypt'],
  ['p256', 'bcrypt'],
  ['p521', 'bcrypt'],
  ['ed25519', 'subjectPublicKeyInfo'],
])('a registered %s key is the same after a key credential, where it is %s', async (algorithm, format) => {
  const { publicKey } = await softwareKey(algorithm);
  const { keyId } = PublicKey.parse(publicKey);
  const registered = { keyId, publicKey, registeredAt: new Date('2026-05-04T03:02:01.234Z') };
  const deviceId = '47f577e3-d2d0-4a0a-8aca-e0501098bde4';
  const credential = fromRegisteredKeyCredential(registered, {
    deviceId,
    customKeyInformation: { flags: 2 },
  });
  const read = KeyCredential.parse(credential.octets);
  expect(read).toMatchObject({ usage: 'ngc', deviceId, keyMaterial: { format } });
  expect(toRegisteredKeyCredential(read)).toEqual(registered);
});

test('a credential without a creation time is registered at the time given, or not at all', () => {
  const { octets: written } = createKeyCredential({ keyMaterial, usage: 'ngc' });
  const credential = KeyCredential.parse(written);
  const registeredAt = new Date('2026-05-04T03:02:01Z');
  expect(toRegisteredKeyCredential(credential, registeredAt).registeredAt).toEqual(registeredAt);
  expect(refusal(() => toRegisteredKeyCredential(credential)).code).toBe('KEY_CREDENTIAL_MALFORMED');
});

test('an Ed25519 key has no BCRYPT blob', async () => {
  const { publicKey } = await softwareKey('ed25519');
  expect(verdict(() => encodeBcryptKeyBlob(PublicKey.parse(publicKey)))).toBe('ALGORITHM_NOT_SUPPORTED');
});

test('a blob without its hash is read as one without', () => {
  const entries = entriesOf(createKeyCredential({ keyMaterial, usage: 'ngc' }).octets);
  expect(KeyCredential.parse(blob(entries.filter(({ id }) => id !== 2))).hasKeyHash).toBe(false);
});

function information(): CustomKeyInformation {
  return { flags: 0, volumeType: 0, supportsNotification: 0, fekKeyVersion: 0, keyStrength: 0 };
}
