import {
  decryptCts,
  decryptMessage,
  deriveKey,
  deriveReplyKey,
  encryptionTypes,
  nFold,
  octetStringToKey,
} from '@countersign/hello/sign-in';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { encryptCts, encryptMessage } from './encrypt-message.ts';

const aes256 = 'aes256-cts-hmac-sha1-96';

test.for([
  ['012345', 8, 'be072631276b1955'],
  ['password', 7, '78a07b6caf85fa'],
  ['Rough Consensus, and Running Code', 8, 'bb6ed30870b7f0e0'],
  ['password', 21, '59e4a8ca7c0385c3c37b3f6d2000247cb6e6bd5b3e'],
  ['MASSACHVSETTS INSTITVTE OF TECHNOLOGY', 24, 'db3b0d8f0b061e603282b308a50841229ad798fab9540c1b'],
  ['Q', 21, '518a54a215a8452a518a54a215a8452a518a54a215'],
  ['ba', 21, 'fb25d531ae8974499f52fd92ea9857c4ba24cf297e'],
  ['kerberos', 8, '6b65726265726f73'],
  ['kerberos', 16, '6b65726265726f737b9b5b2b93132b93'],
] as const)('n-fold of %s to %i octets (RFC 3961 A.1)', ([text, length, expected]) => {
  expect(hex(nFold(Buffer.from(text), length))).toBe(expected);
});

const chicken = "I would like the General Gau's Chicken, please, and wonton soup.";

test.for([
  [17, 'c6353568f2bf8cb4d8a580362da7ff7f97'],
  [31, 'fc00783e0efdb2c1d445d4c8eff7ed2297687268d6ecccc0c07b25e25ecfe5'],
  [32, '39312523a78662d5be7fcbcc98ebf5a897687268d6ecccc0c07b25e25ecfe584'],
  [47, '97687268d6ecccc0c07b25e25ecfe584b3fffd940c16a18c1b5549d2f838029e39312523a78662d5be7fcbcc98ebf5'],
  [48, '97687268d6ecccc0c07b25e25ecfe5849dad8bbb96c4cdc03bc103e1a194bbd839312523a78662d5be7fcbcc98ebf5a8'],
  [
    64,
    '97687268d6ecccc0c07b25e25ecfe58439312523a78662d5be7fcbcc98ebf5a84807efe836ee89a526730dbc2f7bc8409dad8bbb96c4cdc03bc103e1a194bbd8',
  ],
] as const)('AES-128 with ciphertext stealing, %i octets (RFC 3962 B)', ([length, ciphertext]) => {
  const key = Buffer.from('chicken teriyaki');
  expect(Buffer.from(decryptCts(key, fromHex(ciphertext))).toString()).toBe(chicken.slice(0, length));
});

const keys = {
  'aes128-cts-hmac-sha1-96': '42263c6e89f4fc28b8df68ee09799f15',
  'aes256-cts-hmac-sha1-96': 'fe697b52bc0d3ce14432ba036a92e65bbb52280990a2fa27883998d72af30161',
  'aes128-cts-hmac-sha256-128': '3705d96080c17728a0e800eab6e0d23c',
  'aes256-cts-hmac-sha384-192': '6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52',
} as const;

test.for([
  ['aes128-cts-hmac-sha1-96', 'encryption', '5b14fc4e250e14ddf9dccf1af6674f53'],
  ['aes128-cts-hmac-sha1-96', 'integrity', '4ed31063621684f09ae8d89991af3e8f'],
  [
    'aes256-cts-hmac-sha1-96',
    'encryption',
    'c7cfd9cd75fe793a586a542d87e0d1396f1134a104bb1a9190b8c90ada3ddf37',
  ],
  [
    'aes256-cts-hmac-sha1-96',
    'integrity',
    '97151b4c76945063e2eb0529dc067d97d7bba90776d8126d91f34f3101aea8ba',
  ],
  ['aes128-cts-hmac-sha256-128', 'encryption', '9b197dd1e8c5609d6e67c3e37c62c72e'],
  ['aes128-cts-hmac-sha256-128', 'integrity', '9fda0e56ab2d85e1569a688696c26a6c'],
  [
    'aes256-cts-hmac-sha384-192',
    'encryption',
    '56ab22bee63d82d7bc5227f6773f8ea7a5eb1c825160c38312980c442e5c7e49',
  ],
  ['aes256-cts-hmac-sha384-192', 'integrity', '69b16514e3cd8e56b82010d5c73012b622c4d00ffc23ed1f'],
] as const)('the %s key for %s (RFC 8009 A; MIT Kerberos t_derive.c)', ([type, purpose, expected]) => {
  expect(hex(deriveKey(encryptionTypes[type], fromHex(keys[type]), 2, purpose))).toBe(expected);
});

test.for([
  [
    'aes128-cts-hmac-sha1-96',
    1,
    '98450e3f3baa13f5c99beb936981b06f',
    hex(Buffer.from('1')),
    'f86742f537b35dc2174a4dbaa920faf9042090b065e1ebb1cad9a65394',
  ],
  [
    'aes256-cts-hmac-sha1-96',
    4,
    'f1c795e9248a09338d82c3f8d5b567040b0110736845041347235b1404231398',
    hex(Buffer.from('30 bytes bytes bytes bytes byt')),
    'd1137a4d634cfece924dbc3bf6790648bd5cff7de0e7b99460211d0daef3d79a295c688858f3b34b9cbd6eebae81daf6b734d4d498b6714f1c1d',
  ],
  [
    'aes128-cts-hmac-sha256-128',
    2,
    keys['aes128-cts-hmac-sha256-128'],
    '000102030405',
    '84d7f30754ed987bab0bf3506beb09cfb55402cef7e6877ce99e247e52d16ed4421dfdf8976c',
  ],
  [
    'aes256-cts-hmac-sha384-192',
    2,
    keys['aes256-cts-hmac-sha384-192'],
    '000102030405060708090a0b0c0d0e0f1011121314',
    '40013e2df58e8751957d2878bcd2d6fe101ccfd556cb1eae79db3c3ee86429f2b2a602ac86fef6ecb647d6295fae077a1feb517508d2c16b4192e01f62',
  ],
] as const)(
  'a message under %s (RFC 8009 A; MIT Kerberos t_decrypt.c)',
  ([type, usage, key, plaintext, ciphertext]) => {
    expect(hex(decryptMessage(type, fromHex(key), usage, fromHex(ciphertext)))).toBe(plaintext);
  },
);

const counting = Buffer.from(Array.from({ length: 136 }, (_, i) => i % 17));

test.for([
  ['256 zeros', new Uint8Array(256), '5ee50d675c809fe59e4a7762c54b65837547eafb159bd8cdc75ffca5911e4c41'],
  ['128 zeros', new Uint8Array(128), 'acf7707c08973ddfdb27cd361442ccfba355c8884cb472f37da636d07d56787e'],
  [
    '128 octets',
    counting.subarray(0, 128),
    'c442da585fcb80e43b47946f254093e37329d99001380db78371db3acf5c797e',
  ],
  ['77 octets', counting.subarray(0, 77), '0053953b84c896f4eb385c3f2e751c4a590ed6ffadca6ff64f47ebeb8d780ffc'],
] as const)('octetstring2key of %s (RFC 4556 B)', ([, octets, expected]) => {
  expect(hex(octetStringToKey(aes256, octets))).toBe(expected);
});

test('the key derivation with SHA-256 (RFC 8636 8.2)', () => {
  const key = deriveReplyKey('1.3.6.1.5.2.3.6.2', aes256, new Uint8Array(256), {
    client: { realm: 'SU.SE', name: { nameType: 1, components: ['lha'] } },
    server: { realm: 'SU.SE', name: { nameType: 1, components: ['krbtgt', 'SU.SE'] } },
    asRequest: new Uint8Array(10).fill(0xaa),
    paPkAsRep: new Uint8Array(9).fill(0xbb),
  });
  expect(hex(key)).toBe('77ef4e48c420ae3fec75109d7981697eed5d295c90c62564f7bfd101fa9bc1d5');
});

const types = fc.constantFrom(
  ...([
    'aes128-cts-hmac-sha1-96',
    aes256,
    'aes128-cts-hmac-sha256-128',
    'aes256-cts-hmac-sha384-192',
  ] as const),
);
const octets = fc.uint8Array({ maxLength: 200 });

test('what is encrypted is decrypted, whatever its length', () => {
  fc.assert(
    fc.property(types, fc.uint8Array({ minLength: 32, maxLength: 32 }), octets, (type, seed, plaintext) => {
      const key = seed.subarray(0, encryptionTypes[type].keyBytes);
      const decrypted = decryptMessage(type, key, 3, encryptMessage(type, key, 3, plaintext));
      expect(hex(decrypted)).toBe(hex(plaintext));
    }),
  );
});

test('ciphertext stealing keeps the length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 200 }), (plaintext) => {
      const key = new Uint8Array(16).fill(7);
      const ciphertext = encryptCts(key, plaintext);
      expect(ciphertext).toHaveLength(plaintext.length);
      expect(hex(decryptCts(key, ciphertext))).toBe(hex(plaintext));
    }),
  );
});

test('a message that was altered in one bit, cut off, or is for another usage is refused', async () => {
  await fc.assert(
    fc.asyncProperty(types, octets, fc.nat(), async (type, plaintext, bit) => {
      const key = new Uint8Array(encryptionTypes[type].keyBytes).fill(9);
      const message = encryptMessage(type, key, 3, plaintext);
      const altered = Buffer.from(message);
      const at = bit % (message.length * 8);
      altered[at >> 3] = (altered[at >> 3] ?? 0) ^ (1 << (at & 7));
      for (const [usage, ciphertext] of [
        [3, altered],
        [3, message.subarray(0, bit % message.length)],
        [8, message],
      ] as const) {
        await refusal(
          Promise.resolve().then(() => decryptMessage(type, key, usage, ciphertext)),
          'KDC_REPLY_MISMATCH',
        );
      }
    }),
  );
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}
