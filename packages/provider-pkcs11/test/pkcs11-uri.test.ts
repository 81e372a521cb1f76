import { formatPkcs11Uri, parsePkcs11Uri } from '@countersign/provider-pkcs11';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { refusal } from './refusal.ts';

test('reads references as other programs write them', () => {
  expect(parsePkcs11Uri('pkcs11:')).toEqual({});
  expect(parsePkcs11Uri('PKCS11:token=My%20token;id=%01%02a;type=cert')).toEqual({
    token: 'My token',
    id: Uint8Array.of(1, 2, 0x61),
    type: 'cert',
  });
  // RFC 7512 3, examples.
  expect(
    parsePkcs11Uri(
      'pkcs11:object=my-pubkey;type=public?module-path=/usr/lib/libp11.so&pin-source=file:/etc/token',
    ),
  ).toEqual({
    object: 'my-pubkey',
    type: 'public',
    modulePath: '/usr/lib/libp11.so',
    pinSource: '/etc/token',
  });
  expect(
    parsePkcs11Uri(
      'pkcs11:token=Software%20PKCS%2311%20softtoken;manufacturer=Snake%20Oil,%20Inc.;object=my-certificate;type=cert;id=%69%95%3E%5C%F4%BD%EC%91;serial=',
    ),
  ).toEqual({
    token: 'Software PKCS#11 softtoken',
    manufacturer: 'Snake Oil, Inc.',
    object: 'my-certificate',
    type: 'cert',
    id: Uint8Array.from(Buffer.from('69953e5cf4bdec91', 'hex')),
    serial: '',
  });
  expect(parsePkcs11Uri('pkcs11:slot-id=327?module-name=softhsm2').slotId).toBe(327n);
});

test('writes references that other programs read', () => {
  expect(
    formatPkcs11Uri({
      token: 'a;b/c?',
      id: Uint8Array.of(0, 255),
      object: 'ä',
      modulePath: '/usr/lib/x y.so',
    }),
  ).toBe('pkcs11:token=a%3Bb%2Fc%3F;id=%00%FF;object=%C3%A4?module-path=/usr/lib/x%20y.so');
});

test('whatever is written reads back the same', () => {
  const text = fc.string({ unit: 'grapheme' });
  const path = text.map((end) => `/${end.replaceAll('\0', '')}`);
  const parts = fc.record(
    {
      token: text,
      manufacturer: text,
      serial: text,
      model: text,
      slotId: fc.bigInt(0n, 2n ** 64n - 1n),
      id: fc.uint8Array(),
      object: text,
      type: fc.constantFrom('public', 'private', 'cert', 'secret-key', 'data'),
      modulePath: path,
      moduleName: fc.stringMatching(/^[a-z0-9]+$/),
      pinSource: path,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(parts, (uri) => {
      const written = formatPkcs11Uri(uri);
      expect(parsePkcs11Uri(written)).toEqual(uri);
      expect(written).toMatch(/^[\x21-\x7e]+$/);
    }),
  );
});

test('any other text is refused with one code, or reads as what it writes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `pkcs11:object=${text}`),
      ),
      async (text) => {
        try {
          const parsed = parsePkcs11Uri(text);
          expect(parsePkcs11Uri(formatPkcs11Uri(parsed))).toEqual(parsed);
        } catch {
          expect((await refusal(() => parsePkcs11Uri(text))).code).toBe('KEY_REFERENCE_MALFORMED');
        }
      },
    ),
  );
});

test.each([
  '',
  'pkcs11',
  'memory:id=1',
  'pkcs11:id',
  'pkcs11:;id=%01',
  'pkcs11:id=%01;',
  'pkcs11:id=%01;id=%01',
  'pkcs11:id=%1',
  'pkcs11:object=%ff',
  'pkcs11:object=a b',
  'pkcs11:object=a/b',
  'pkcs11:object=ä',
  'pkcs11:type=key',
  'pkcs11:slot-id=x',
  'pkcs11:slot-id=18446744073709551616',
  'pkcs11:module-path=/a',
  'pkcs11:?',
  'pkcs11:?module-path=relative.so',
  'pkcs11:?module-path=/a%00',
  'pkcs11:?module-name=..%2Fx',
  'pkcs11:?pin-source=%7Ccommand',
  'pkcs11:?object=a',
  'pkcs11:x-vendor=1',
])('refuses %j', async (uri) => {
  expect((await refusal(() => parsePkcs11Uri(uri))).code).toBe('KEY_REFERENCE_MALFORMED');
});

test.each([
  'pkcs11:token=a?pin-value=739215',
  'pkcs11:pin-value=739215',
  'pkcs11:?PIN-VALUE=739215',
  '739215',
])('a PIN in %j is refused, and not repeated', async (uri) => {
  const error = await refusal(() => parsePkcs11Uri(uri));
  expect(error.code).toBe('KEY_REFERENCE_MALFORMED');
  expect(`${error.message}${error.hint}`).not.toContain('739215');
});
