import {
  assertGoodKey,
  createKeyCredential,
  encodeDnWithBinary,
  KeyCredential,
  parseDnWithBinary,
  toRegisteredKeyCredential,
  type PublicKey,
} from '@countersign/core';
import { expect, test } from 'vitest';
import { toHex } from '../encodings/der.ts';
import { refusal } from '../encodings/refusal.ts';
import { entriesOf, type Entry } from './blobs.ts';
import { fieldsOf } from './credential-fields.ts';
import { realBlob, realText } from './real-blobs.ts';

test('a user key of Windows Hello', () => {
  const credential = parsed('userKey');
  expect(credential).toMatchObject({
    hasKeyHash: true,
    usage: 'ngc',
    source: 'activeDirectory',
    deviceId: '47f577e3-d2d0-4a0a-8aca-e0501098bde4',
    customKeyInformation: { flags: 0 },
    lastLogonAt: new Date('2018-06-13T22:32:38.168Z'),
    createdAt: new Date('2018-06-13T22:32:38.168Z'),
    keyMaterial: { format: 'bcrypt' },
  });
  expect(Buffer.from(credential.keyId).toString('base64')).toBe(
    'IHF64FL8z1RqrQ1R6Hiq1pzgT9w59ajY4866a8tNoOc=',
  );
  expect(modulusOf(credential)).toMatch(/^c1a78914457758b0b13c70c7.*d716843a5$/u);
});

test('a user key that Connect wrote down from Entra ID, with a modulus that ROCA factors', async () => {
  const credential = parsed('entraUserKeyWithRoca');
  expect(credential).toMatchObject({
    source: 'entraId',
    deviceId: 'fd591087-245c-4ff5-a5ea-c14de5e2b32d',
    customKeyInformation: { flags: 0, volumeType: 0, supportsNotification: 0, fekKeyVersion: 0 },
    lastLogonAt: new Date('0001-01-01T08:00:00Z'),
    createdAt: new Date('2017-07-19T07:41:02.645Z'),
  });
  await expect(assertGoodKey(publicKeyOf(credential))).rejects.toMatchObject({ code: 'KEY_HAS_ROCA' });
  await assertGoodKey(publicKeyOf(parsed('userKey')));
});

test('a computer key, whose material is an RSAPublicKey', () => {
  const credential = parsed('computerKey');
  expect(credential).toMatchObject({
    keyMaterial: { format: 'rsaPublicKey' },
    customKeyInformation: { flags: 2 },
    createdAt: new Date('2017-08-23T15:41:01.355Z'),
  });
  expect(credential.deviceId).toBeUndefined();
  expect(modulusOf(credential)).toMatch(/^d6589a6fe2104905.*38a06a5$/u);
});

test('a transport key of a device, in a TPM: the modulus stands in the public area of the PCP blob', () => {
  const credential = parsed('deviceKeyInTpm');
  expect(credential).toMatchObject({
    usage: 'stk',
    keyMaterial: { format: 'pcp' },
    createdAt: new Date('2019-08-02T18:11:37.566Z'),
  });
  expect(Buffer.from(credential.keyId).toString('base64')).toBe(
    'OoYGWyO8xBkLx3x2d0QltMav9+41lY0sGxKIMPF9if0=',
  );
  expect(modulusOf(credential)).toMatch(/^a88e8812c2c35e42.*bc119a3af7$/u);
  expect(refusal(() => toRegisteredKeyCredential(credential)).code).toBe('KEY_NOT_ACCEPTABLE');
});

test('a FIDO key: what the authenticator said of it', () => {
  const credential = parsed('fidoKey');
  const { keyMaterial } = credential;
  if (keyMaterial.format !== 'fido') throw new Error(`the key material is ${keyMaterial.format}`);
  expect(toHex(keyMaterial.credentialId)).toBe('5847ba3c54fedcc4fea49d957d1ff88d');
  expect(toHex(credential.keyId)).toBe(toHex(keyMaterial.credentialId));
  expect(keyMaterial).toMatchObject({
    aaguid: 'fa2b99dc-9e39-4257-8f92-4a30d23c4118',
    signCount: 0x32,
    displayName: 'Yubikey 5',
  });
  // The identifier of the relying party at which all Entra ID keys are registered.
  expect(toHex(keyMaterial.relyingPartyIdHash)).toBe(
    '356c9ed4a09321b9695f1eaf918203f1b55f689da61fbc96184c157dda680c81',
  );
  expect(toHex(keyMaterial.publicKey.subjectPublicKey)).toBe(
    '04' +
      '8475e0274d47d8ae61f331b4b9dfeff8d816ace3cbae893dbfa3429b585fa2f9' +
      '92bef2cfcc4a1fc71d8c803fce4f7ce09573d7cdc5852ba50b59770f653d176f',
  );
  expect(keyMaterial.attestationCertificates).toHaveLength(1);
  expect(credential.customKeyInformation?.reserved).toHaveLength(9);
  expect(refusal(() => toRegisteredKeyCredential(credential)).code).toBe('KEY_NOT_ACCEPTABLE');
});

test('a blob of Impacket, whose KeyHash is wrong', () => {
  const error = refusal(() => KeyCredential.parse(realBlob('impacketKey')));
  expect([error.code, error.message]).toEqual([
    'KEY_CREDENTIAL_MALFORMED',
    expect.stringMatching(/KeyHash/u),
  ]);
});

test('a DN with binary, both ways', () => {
  const text = realText('dnWithBinary');
  const value = parseDnWithBinary(text);
  expect(value.distinguishedName).toBe('CN=user2,CN=Users,DC=domain,DC=local');
  const credential = KeyCredential.parse(value.octets);
  expect(Buffer.from(credential.keyId).toString('base64')).toBe(
    'KTzeUZX+NOLW1+OFro427AiDzkV2E0WNZ5cm492IZMk=',
  );
  expect(credential.createdAt).toEqual(new Date('2021-07-21T20:47:55.531Z'));
  expect(encodeDnWithBinary(value)).toBe(text);
});

test.each(['userKey', 'entraUserKeyWithRoca', 'computerKey', 'deviceKeyInTpm', 'fidoKey'])(
  'the %s written from its fields is the blob again, but for what times have below a millisecond',
  (name) => {
    const octets = realBlob(name);
    const written = createKeyCredential(fieldsOf(parsed(name)));
    const [expected, found] = [entriesOf(octets), entriesOf(written.octets)];
    expect(found.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
    expect(found.filter(isExact)).toEqual(expected.filter(isExact));
    for (const [i, { id, value }] of expected.entries()) {
      if (id < 8) continue;
      const cut = ticks(value) - ticks(found[i]?.value ?? new Uint8Array(8));
      expect(cut >= 0n && cut < 10_000n).toBe(true);
    }
  },
);

test('times with whole milliseconds are written to the tick', () => {
  // 2018-06-13T22:32:38.168Z since 1601; 0001-01-01T08:00Z since 0001, UTC, and 2017-07-19T07:41:02.645Z likewise.
  expect(writtenTimes('userKey')).toEqual([131_734_027_581_680_000n, 131_734_027_581_680_000n]);
  expect(writtenTimes('entraUserKeyWithRoca')).toEqual([
    (1n << 62n) + 8n * 3_600n * 10_000_000n,
    (1n << 62n) + 636_360_468_626_450_000n,
  ]);
});

function parsed(name: string): KeyCredential {
  return KeyCredential.parse(realBlob(name));
}

function publicKeyOf({ keyMaterial }: KeyCredential): PublicKey {
  if (keyMaterial.format === 'opaque') throw new Error('the key material is no key');
  return keyMaterial.publicKey;
}

function modulusOf(credential: KeyCredential): string {
  return toHex(publicKeyOf(credential).rsaModulus ?? new Uint8Array());
}

/** Whether an entry is written to the octet: all but the hash and the times. */
function isExact({ id }: Entry): boolean {
  return id !== 2 && id < 8;
}

function writtenTimes(name: string): bigint[] {
  return entriesOf(createKeyCredential(fieldsOf(parsed(name))).octets)
    .filter(({ id }) => id >= 8)
    .map(({ value }) => ticks(value));
}

function ticks(octets: Uint8Array): bigint {
  return Buffer.from(octets).readBigUInt64LE();
}
