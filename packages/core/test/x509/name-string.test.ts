import { Name } from '@countersign/core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { concat, hex, oid, seq, set, text, toHex } from '../encodings/der.ts';
import { refusal, verdict } from '../encodings/refusal.ts';

const uid = '0.9.2342.19200300.100.1.1';
const dc = '0.9.2342.19200300.100.1.25';
const cn = '2.5.4.3';
const ou = '2.5.4.11';

function utf8(type: string, value: string): Uint8Array {
  return seq(oid(type), text(0x0c, Buffer.from(value).toString('latin1')));
}

function ia5(type: string, value: string): Uint8Array {
  return seq(oid(type), text(0x16, value));
}

const exampleNet = [set(ia5(dc, 'net')), set(ia5(dc, 'example'))] as const;

// The examples of RFC 4514 4, and what they are in DER: the last RDN of the string comes first.
test.each<[string, Uint8Array]>([
  ['UID=jsmith,DC=example,DC=net', seq(...exampleNet, set(utf8(uid, 'jsmith')))],
  [
    'OU=Sales+CN=J.  Smith,DC=example,DC=net',
    seq(...exampleNet, set(utf8(ou, 'Sales'), utf8(cn, 'J.  Smith'))),
  ],
  [
    String.raw`CN=James \"Jim\" Smith\, III,DC=example,DC=net`,
    seq(...exampleNet, set(utf8(cn, 'James "Jim" Smith, III'))),
  ],
  [String.raw`CN=Before\0dAfter,DC=example,DC=net`, seq(...exampleNet, set(utf8(cn, 'Before\rAfter')))],
  ['1.3.6.1.4.1.1466.0=#04024869', seq(set(seq(oid('1.3.6.1.4.1.1466.0'), hex('04024869'))))],
  ['CN=Lučić', seq(set(utf8(cn, 'Lučić')))],
])('%s, as RFC 4514 has it, both ways', (string, der) => {
  expect(toHex(Name.fromString(string).der)).toBe(toHex(der));
  expect(Name.parse(der).toString()).toBe(string);
});

test.each<[string, string]>([
  // RFC 4514 4: the escaped and the plain form of the same name.
  [String.raw`CN=Lu\C4\8Di\C4\87`, 'CN=Lučić'],
  [String.raw`CN=a\2Cb`, String.raw`CN=a\,b`],
  [String.raw`CN=\61\62`, 'CN=ab'],
  ['cn=a,Dc=b,dC=c', 'CN=a,DC=b,DC=c'],
  ['  CN  =  a  ,  DC=b  ', 'CN=a,DC=b'],
  ['2.5.4.3=a', 'CN=a'],
  ['S=Bavaria,E=a@b.test', 'ST=Bavaria,emailAddress=a@b.test'],
  ['CN=a b', 'CN=a b'],
  ['CN=a=b', String.raw`CN=a\=b`],
  ['CN=#0c0161', 'CN=a'],
  ['CN=#0C0161 ,DC=b', 'CN=a,DC=b'],
  ['CN=#140161', 'CN=#140161'],
  [String.raw`CN=\ a`, String.raw`CN=\ a`],
  [String.raw`CN=a\ `, String.raw`CN=a\ `],
  [String.raw`CN=a\  `, String.raw`CN=a\ `],
  [String.raw`CN=\ `, String.raw`CN=\ `],
  [String.raw`CN=\ \ `, String.raw`CN=\ \ `],
  [String.raw`CN=\#a`, String.raw`CN=\#a`],
  ['CN=a#', 'CN=a#'],
  [String.raw`CN=\\\+\;\<\>\=\"`, String.raw`CN=\\\+\;\<\>\=\"`],
  [String.raw`CN=\09\7f\C2\80`, String.raw`CN=\09\7f\c2\80`],
  ['CN=🚀', 'CN=🚀'],
])('%s is the name %s', (string, shown) => {
  const name = Name.fromString(string);
  expect(name.toString()).toBe(shown);
  expect(Name.fromString(shown).equals(name)).toBe(true);
});

test('attributes with one value stand in a string type of their own', () => {
  const name = Name.fromString('C=DE,serialNumber=1-2,DC=test,emailAddress=a@b,CN=x');
  const types = [0x0c, 0x16, 0x16, 0x13, 0x13];
  const values = [
    [cn, 'x'],
    ['1.2.840.113549.1.9.1', 'a@b'],
    [dc, 'test'],
    ['2.5.4.5', '1-2'],
    ['2.5.4.6', 'DE'],
  ] as const;
  expect(toHex(name.der)).toBe(
    toHex(seq(...values.map(([type, value], i) => set(seq(oid(type), text(types[i] ?? 0, value)))))),
  );
});

test('the values of one RDN stand in the order of DER, whatever their order in the string', () => {
  const strings = ['CN=a+OU=b+UID=c', 'UID=c+OU=b+CN=a', 'OU=b+CN=a+UID=c'];
  const [first = '', ...others] = strings.map((string) => toHex(Name.fromString(string).der));
  expect(first).toBe(toHex(seq(set(utf8(cn, 'a'), utf8(ou, 'b'), utf8(uid, 'c')))));
  expect(others).toEqual([first, first]);
  expect(Name.fromString('UID=c+CN=a').toString()).toBe('CN=a+UID=c');
});

test('the empty string is the empty name, and nothing else is', () => {
  expect(toHex(Name.fromString('').der)).toBe('3000');
  expect(Name.fromString('').equals(Name.empty)).toBe(true);
  expect([Name.empty.isEmpty, Name.empty.toString()]).toEqual([true, '']);
  expect(Name.fromString('CN=a').isEmpty).toBe(false);
  expect(verdict(() => Name.fromString(' '))).toBe('NAME_MALFORMED');
});

test.each([
  'a',
  '=a',
  'CN',
  'CN a',
  'CN=',
  'CN= ',
  'CN=a,',
  'CN=a,,DC=b',
  ',CN=a',
  'CN=a+',
  'CN=a+,DC=b',
  '+CN=a',
  'CN=a;DC=b',
  'CN="a"',
  'CN=a"',
  'CN=<a',
  'CN=a>',
  'CN=a\0b',
  String.raw`CN=a\00b`,
  String.raw`CN=\00`,
  'CN=\\',
  String.raw`CN=a\z`,
  String.raw`CN=a\4`,
  String.raw`CN=a\4g`,
  String.raw`CN=\ff`,
  String.raw`CN=\c4`,
  String.raw`CN=\ed\a0\80`,
  'CN=\ud800',
  'CN=a\udc00b',
  'CN=#',
  'CN=#0',
  'CN=#0g',
  'CN=#0c0161x',
  'CN=#0c0161 x',
  'CN=#0c',
  'CN=#0c02 61',
  'CN=#0c0261',
  'CN=#0c016162',
  'CN=#0c01610c0161',
  'CN=#0c00',
  'CN=#0c0100',
  'CN=#0c01ff',
  'CN=#13012a',
  'CN=#0c8101 61',
  '1.2.3=#0c8101 61',
  '1.2.3=#308000000000',
  '1.2.3=#240304 0161',
  '1.2.3=a',
  'X=a',
  '1=#0500',
  '1.=#0500',
  '.1=#0500',
  '1..2=#0500',
  '1.02=#0500',
  '3.1=#0500',
  '0.40=#0500',
  '1.40=#0500',
  `1.${'2.'.repeat(200)}1=#0500`,
  'C=D*',
  'C=DEU',
  'C=ä',
  'DC=ä',
  'emailAddress=ä@b',
  'serialNumber=1_2',
  'CN=a+CN=a',
  'CN=a+2.5.4.3=a',
  'C-N=a',
  '-CN=a',
  'ÄN=a',
  'CN\n=a',
  '\nCN=a',
  '/CN=a',
  'LDAP://CN=a',
])('%j is not a distinguished name', (string) => {
  const error = refusal(() => Name.fromString(string));
  expect(error.code).toBe('NAME_MALFORMED');
  expect(error.message).toContain(string);
});

const value = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 20 })
  .filter((string) => !string.includes('\0'));
const rdn = fc.uniqueArray(
  fc.record({ type: fc.constantFrom('CN', 'OU', 'O', 'L', 'UID', 'title'), value }),
  {
    minLength: 1,
    maxLength: 3,
    selector: ({ type }) => type,
  },
);

test('any text in any attribute survives the way to DER, to a string and back', () => {
  const oids = new Map([
    ['CN', cn],
    ['OU', ou],
    ['O', '2.5.4.10'],
    ['L', '2.5.4.7'],
    ['UID', uid],
    ['title', '2.5.4.12'],
  ]);
  fc.assert(
    fc.property(fc.array(rdn, { maxLength: 4 }), (rdns) => {
      const der = seq(
        ...rdns.map((attributes) =>
          set(
            ...attributes
              .map((attribute) => utf8(oids.get(attribute.type) ?? '', attribute.value))
              .sort((a, b) => Buffer.compare(a, b)),
          ),
        ),
      );
      const string = Name.parse(der).toString();
      // One line of text, whatever is in it.
      expect(string).not.toMatch(/\p{Cc}/u);
      expect(toHex(Name.fromString(string).der)).toBe(toHex(der));
    }),
    { numRuns: 1000 },
  );
});

test('any string is refused as such, or is a name that reads back as itself', () => {
  const pieces = fc.constantFrom(
    'CN',
    'DC',
    '1.2.3',
    '=',
    ',',
    '+',
    '\\',
    '#',
    '"',
    ' ',
    'a',
    '0c',
    '61',
    '0c0161',
    'ä',
    '\ud800',
    '\0',
    ';',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(pieces).map((all) => `CN=${all.join('')}`),
      ),
      (string) => {
        const code = verdict(() => Name.fromString(string));
        expect(['taken', 'NAME_MALFORMED']).toContain(code);
        if (code !== 'taken') return;
        const name = Name.fromString(string);
        expect(toHex(Name.parse(name.der).der)).toBe(toHex(name.der));
        expect(Name.fromString(name.toString()).toString()).toBe(name.toString());
      },
    ),
    { numRuns: 5000 },
  );
});

test('an error says at which character it stands', () => {
  expect(refusal(() => Name.fromString('CN=a,DC;b')).message).toBe(
    '"CN=a,DC;b" is not a distinguished name: at character 6, an attribute type and "=" were expected',
  );
  expect(refusal(() => Name.fromString('CN=a;b')).message).toContain('at character 5, ";" must be escaped');
});

test('a name read is the octets that were read, without what follows', () => {
  const der = seq(set(utf8(cn, 'a')));
  expect(toHex(Name.parse(der).der)).toBe(toHex(der));
  expect(verdict(() => Name.parse(concat(der, der)))).toBe('DER_MALFORMED');
});
