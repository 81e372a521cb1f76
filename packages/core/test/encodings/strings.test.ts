import { Name, parseSubjectAltName } from '@countersign/core';
import { expect, test } from 'vitest';
import { hex, oid, seq, set, tlv } from './der.ts';
import { verdict } from './refusal.ts';

const utf8 = 0x0c;
const printable = 0x13;
const teletex = 0x14;
const ia5 = 0x16;
const universal = 0x1c;
const bmp = 0x1e;

/** A common name with this string type and these contents. */
function name(identifier: number, contents: Uint8Array): Uint8Array {
  return seq(set(seq(oid('2.5.4.3'), tlv(identifier, contents))));
}

test.each([
  ['UTF8String', utf8, hex('c3a4e282acf09f9a80'), 'ä€🚀'],
  ['UTF8String with a byte order mark', utf8, hex('efbbbf61'), '\ufeffa'],
  ['PrintableString', printable, Buffer.from("aZ09 '()-./:?"), "aZ09 '()-./:?"],
  ['IA5String', ia5, Buffer.from('a*@_~'), 'a*@_~'],
  ['BMPString', bmp, hex('00e420acffff'), 'ä€\uffff'],
])('%s', (_, identifier, contents, expected) => {
  expect(Name.parse(name(identifier, contents)).toString()).toBe(`CN=${expected}`);
});

test.each([
  ['UTF8String: a stray continuation', utf8, '80'],
  ['UTF8String: a lead without its continuation', utf8, 'c3'],
  ['UTF8String: Latin-1', utf8, '61e46200'],
  ['UTF8String: an overlong slash', utf8, 'c0af'],
  ['UTF8String: an overlong NUL', utf8, 'c080'],
  ['UTF8String: an overlong euro', utf8, 'f08282ac'],
  ['UTF8String: a surrogate', utf8, 'eda080'],
  ['UTF8String: a pair of surrogates (CESU-8)', utf8, 'eda0bdedba80'],
  ['UTF8String: above U+10FFFF', utf8, 'f4908080'],
  ['UTF8String: an octet that never stands', utf8, 'ff'],
  ['BMPString: a high surrogate', bmp, 'd800'],
  ['BMPString: a low surrogate', bmp, 'dfff'],
  ['BMPString: a pair of surrogates (UTF-16)', bmp, 'd83dde80'],
  ['BMPString: half a character', bmp, '0061 00'],
  ['PrintableString: an asterisk', printable, '2a'],
  ['PrintableString: an at sign', printable, '614062'],
  ['PrintableString: an underscore', printable, '5f'],
  ['PrintableString: an ampersand', printable, '26'],
  ['PrintableString: a line feed', printable, '610a'],
  ['PrintableString: Latin-1', printable, 'e4'],
  ['IA5String: eight bits', ia5, '6180'],
])('%s is refused', (_, identifier, contents) => {
  expect(verdict(() => Name.parse(name(identifier, hex(contents))))).toBe('DER_MALFORMED');
});

test.each([
  ['UTF8String', utf8, ''],
  ['PrintableString', printable, ''],
  ['IA5String', ia5, ''],
  ['BMPString', bmp, ''],
  ['UTF8String', utf8, '610062'],
  ['UTF8String', utf8, '00'],
  ['IA5String', ia5, '6100'],
  ['BMPString', bmp, '00610000'],
])('an empty value, or one with a NUL, names nobody: %s %j', (_, identifier, contents) => {
  expect(verdict(() => Name.parse(name(identifier, hex(contents))))).toBe('DER_MALFORMED');
});

test('strings without a reliable decoding stay octets', () => {
  expect(Name.parse(name(teletex, hex('e4'))).toString()).toBe('CN=#1401e4');
  expect(Name.parse(name(universal, hex('000000e4'))).toString()).toBe('CN=#1c04000000e4');
});

test.each([1, 2, 6])('the text of a GeneralName [%i] is ASCII, not empty and without NUL', (n) => {
  const names = (contents: string): Uint8Array => seq(tlv(0x80 | n, Buffer.from(contents, 'latin1')));
  expect(verdict(() => parseSubjectAltName(names('a.test')))).toBe('taken');
  for (const wrong of ['', 'ä.test', 'a.test\0.b.test', 'a.test\u0080']) {
    expect(verdict(() => parseSubjectAltName(names(wrong)))).toBe('DER_MALFORMED');
  }
});
