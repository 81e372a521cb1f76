import { encodeRegistrationInfo, parseRegistrationInfo } from '@countersign/core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { refusal } from './refusal.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

test('pairs are written as Name=Value joined with an ampersand, in UTF-8', () => {
  const octets = encodeRegistrationInfo([
    { name: 'requestername', value: String.raw`CONTOSO\zoë` },
    { name: 'cdc', value: 'dc.contoso.test' },
  ]);
  expect(octets).toEqual(utf8(String.raw`requestername=CONTOSO\zoë&cdc=dc.contoso.test`));
  expect(encodeRegistrationInfo([])).toEqual(new Uint8Array());
});

test('the first equals sign ends the name; percent signs and plus signs are themselves', () => {
  expect(parseRegistrationInfo(utf8('SAN=upn=a@b&x=R%26D+1'))).toEqual([
    { name: 'SAN', value: 'upn=a@b' },
    { name: 'x', value: 'R%26D+1' },
  ]);
  expect(parseRegistrationInfo(utf8('empty='))).toEqual([{ name: 'empty', value: '' }]);
  expect(parseRegistrationInfo(new Uint8Array())).toEqual([]);
});

const text = fc.string({ unit: 'binary', maxLength: 12 });
const anything = fc.string({
  unit: fc.constantFrom('a', '=', '&', '%', '\0', 'ë', '😀', '\ud800', '2', '6'),
});

test('whatever can be written is read back as it was', () => {
  const name = text.filter((candidate) => /^[^=&\0]+$/.test(candidate));
  const value = text.filter((candidate) => /^[^&\0]*$/.test(candidate));
  fc.assert(
    fc.property(fc.array(fc.record({ name, value }), { maxLength: 4 }), (pairs) => {
      expect(parseRegistrationInfo(encodeRegistrationInfo(pairs))).toEqual(pairs);
    }),
    { numRuns: 1000 },
  );
});

test('what cannot be read back as it was is refused, and nothing else', async () => {
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.record({ name: anything, value: anything }), async (pair) => {
      const isSound =
        /^[^=&\0]+$/.test(pair.name) &&
        /^[^&\0]*$/.test(pair.value) &&
        pair.name.isWellFormed() &&
        pair.value.isWellFormed();
      if (isSound) {
        expect(parseRegistrationInfo(encodeRegistrationInfo([pair]))).toEqual([pair]);
      } else {
        refused++;
        expect((await refusal(() => encodeRegistrationInfo([pair]))).code).toBe('VALUE_OUT_OF_RANGE');
      }
    }),
    { numRuns: 1000 },
  );
  expect(refused).toBeGreaterThan(100);
});

test('whatever is read is written again to the octet', async () => {
  const octets = fc.string({ unit: fc.constantFrom('a', '=', '&', '%', '\0', 'ë') });
  let read = 0;
  await fc.assert(
    fc.asyncProperty(octets, async (written) => {
      try {
        expect(encodeRegistrationInfo(parseRegistrationInfo(utf8(written)))).toEqual(utf8(written));
        read++;
      } catch {
        expect((await refusal(() => parseRegistrationInfo(utf8(written)))).code).toBe('DER_MALFORMED');
      }
    }),
    { numRuns: 1000 },
  );
  expect(read).toBeGreaterThan(50);
});

test.each([
  ['no equals sign', utf8('requestername')],
  ['no name', utf8('=value')],
  ['a pair that is not there', utf8('a=b&')],
  ['a pair that is not there', utf8('&a=b')],
  ['a NUL in a value', utf8('a=b\0c')],
  ['a terminator', utf8('a=b\0')],
  ['a NUL in a name', utf8('a\0=b')],
  ['what is not UTF-8', Uint8Array.of(0x61, 0x3d, 0xff)],
  ['an overlong form', Uint8Array.of(0x61, 0x3d, 0xc1, 0xa1)],
])('%s is refused', async (_what, octets) => {
  expect((await refusal(() => parseRegistrationInfo(octets))).code).toBe('DER_MALFORMED');
});
