import { KeyCredential, parseDnWithBinary } from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { concat, hex } from '../encodings/der.ts';
import { refusal, verdict } from '../encodings/refusal.ts';
import { altered, blob, entriesOf, sha256, withHashes, type Entry } from './blobs.ts';
import { realBlob, realText } from './real-blobs.ts';

const sound = realBlob('userKey');
const entries = entriesOf(sound);
const hashed = entries.filter(({ id }) => id > 2);
const entraBlob = realBlob('entraUserKeyWithRoca');

test('the writer of these tests writes the sound blob', () => {
  expect(withHashes(hashed)).toEqual(sound);
  expect(verdict(() => KeyCredential.parse(sound))).toBe('taken');
});

test.each<[string, Uint8Array, RegExp]>([
  ['nothing', new Uint8Array(), /ends after 0 octets/u],
  ['version 0', blob(entries, 0), /version is 0/u],
  ['version 0x100', blob(entries, 0x100), /version is 256/u],
  ['the version in the other order', blob(entries, 0x00020000), /version is/u],
  ['only a version', blob([]), /keyId is missing/u],
  ['no KeyID', blob(entries.filter(({ id }) => id !== 1)), /keyId is missing/u],
  ['no KeyMaterial', withHashes(hashed.filter(({ id }) => id !== 3)), /keyMaterial is missing/u],
  ['no KeyUsage', withHashes(hashed.filter(({ id }) => id !== 4)), /keyUsage is missing/u],
  ['entries in another order', withHashes(hashed.toReversed()), /stands after/u],
  ['KeyHash before KeyID', blob([...entries.slice(0, 2).toReversed(), ...hashed]), /stands after/u],
  ['an entry twice', withHashes([...hashed.slice(0, 2), ...hashed.slice(1)]), /4 stands after the entry 4/u],
  ['an entry 0', blob([{ id: 0, value: hex('00') }, ...entries]), /0 identifies no entry/u],
  ['an entry 10', withHashes([...hashed, { id: 10, value: hex('00') }]), /10 identifies no entry/u],
  ['an octet at the end', concat(sound, hex('00')), /too few/u],
  [
    'a KeyID that is no hash of the material',
    blob(withFirst({ id: 1, value: new Uint8Array(32) })),
    /KeyID/u,
  ],
  ['a KeyID that is cut short', blob(withFirst({ id: 1, value: sha256(sound).subarray(1) })), /KeyID/u],
  [
    'an empty KeyHash',
    blob([...entries.slice(0, 1), { id: 2, value: new Uint8Array() }, ...hashed]),
    /KeyHash/u,
  ],
  ['an unknown usage', altered(sound, 4, hex('05')), /KeyUsage is 05/u],
  ['a usage of two octets', altered(sound, 4, hex('0100')), /KeyUsage/u],
  ['an empty usage', altered(sound, 4, hex('')), /KeyUsage/u],
  ['an unknown source', altered(sound, 5, hex('02')), /KeySource is 02/u],
  ['a device ID of 15 octets', altered(sound, 6, new Uint8Array(15)), /DeviceId has 15/u],
  ['custom key information of one octet', altered(sound, 7, hex('01')), /CustomKeyInformation ends/u],
  ['custom key information of version 2', altered(sound, 7, hex('0200')), /version 2/u],
  ['a notification that is 2', altered(sound, 7, hex('01000002')), /SupportsNotification is 2/u],
  ['a time of seven octets', altered(sound, 9, new Uint8Array(7)), /time stamp ends/u],
  ['a time of nine octets', altered(sound, 9, new Uint8Array(9)), /1 octets follow the time stamp/u],
  ['a negative FILETIME', altered(sound, 9, hex('ffffffffffffffff')), /beyond the year 9999/u],
  ['a DateTime of no kind', altered(entraBlob, 9, hex('d1b7948179ced408')), /kind UTC/u],
  ['a DateTime of the kind local', altered(entraBlob, 9, hex('d1b7948179ced488')), /kind UTC/u],
  ['a DateTime after 9999', altered(entraBlob, 9, hex('ffffffffffffff7f')), /beyond the year 9999/u],
  ['empty key material', altered(sound, 3, hex('')), /begins with /u],
  ['a FIDO key for Windows Hello', altered(sound, 3, Buffer.from('{"version":1}')), /begins with 7b227665/u],
  ['an RSA key of usage FIDO', altered(sound, 4, hex('07')), /no JSON object/u],
])('%s is refused', (_, octets, reason) => {
  const error = refusal(() => KeyCredential.parse(octets));
  expect([error.code, error.message]).toEqual(['KEY_CREDENTIAL_MALFORMED', expect.stringMatching(reason)]);
});

test('a blob larger than any is refused before it is read', () => {
  expect(verdict(() => KeyCredential.parse(new Uint8Array(256 * 1024 + 1)))).toBe('INPUT_TOO_LARGE');
});

test('a blob cut off anywhere is refused', () => {
  for (let length = 0; length < sound.length; length++) {
    expect(verdict(() => KeyCredential.parse(sound.subarray(0, length)))).toBe('KEY_CREDENTIAL_MALFORMED');
  }
});

test('any bit changed is found by a hash, or by the rules for what stands before them', () => {
  for (let bit = 0; bit < sound.length * 8; bit++) {
    const changed = Uint8Array.from(sound);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(verdict(() => KeyCredential.parse(changed))).toBe('KEY_CREDENTIAL_MALFORMED');
  }
});

test('what MS-ADTS leaves open may be absent: the hash, the source, device and times', () => {
  const least = KeyCredential.parse(blob(entries.filter(({ id }) => [1, 3, 4].includes(id))));
  expect(least).toMatchObject({ hasKeyHash: false, usage: 'ngc' });
  expect([least.source, least.deviceId, least.createdAt]).toEqual([undefined, undefined, undefined]);
});

describe('a DN with binary is refused', () => {
  const text = realText('dnWithBinary');
  test.each<[string, string]>([
    ['nothing', ''],
    ['no colons', 'B'],
    ['another letter', text.replace('B:', 'S:')],
    ['only a count', 'B:0'],
    ['no DN', 'B:0:'],
    ['an empty DN', 'B:0::'],
    ['a wrong count', text.replace('828', '826')],
    ['a count with a zero before it', text.replace('828', '0828')],
    ['a count with a sign', text.replace('828', '+828')],
    ['a count that is none', text.replace('828', 'NaN')],
    ['an odd count', 'B:1:A:CN=x'],
    ['what is not hexadecimal', 'B:2:0x:CN=x'],
    ['white space', 'B:2: 0:CN=x'],
  ])('with %s', (_, value) => {
    expect(verdict(() => parseDnWithBinary(value))).toBe('KEY_CREDENTIAL_MALFORMED');
  });

  test('and taken with lower-case hex and with colons in the DN', () => {
    const { octets, distinguishedName } = parseDnWithBinary('B:4:abCD:CN=a:b,OU=:');
    expect([octets, distinguishedName]).toEqual([hex('abcd'), 'CN=a:b,OU=:']);
  });
});

function withFirst(first: Entry): Entry[] {
  return [first, ...entries.slice(1)];
}
