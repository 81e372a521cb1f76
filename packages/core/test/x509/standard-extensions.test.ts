import {
  parseAuthorityKeyIdentifier,
  parseBasicConstraints,
  parseExtendedKeyUsage,
  parseKeyUsage,
  parseSubjectKeyIdentifier,
} from '@countersign/core';
import { expect, test } from 'vitest';
import { hex, int, nullElement, oid, seq, set, text, tlv, toHex } from '../encodings/der.ts';
import { commonName } from '../encodings/documents.ts';
import { refusal } from '../encodings/refusal.ts';

test('key usages', () => {
  expect(parseKeyUsage(hex('03020106'))).toEqual(['keyCertSign', 'cRLSign']);
  expect(parseKeyUsage(hex('03020780'))).toEqual(['digitalSignature']);
  expect(parseKeyUsage(hex('030205a0'))).toEqual(['digitalSignature', 'keyEncipherment']);
});

test.each<[string, Uint8Array]>([
  ['an OCTET STRING', hex('04020780')],
  ['a SEQUENCE', seq(hex('03020780'))],
  ['an INTEGER', int(0x80)],
])('key usages in %s are refused', (_, value) => {
  expect(refusal(() => parseKeyUsage(value)).code).toBe('DER_MALFORMED');
});

test.each<[string, Uint8Array, boolean, number | undefined]>([
  ['an end entity', hex('3000'), false, undefined],
  ['a CA', hex('3003 0101ff'), true, undefined],
  ['a CA of end entities', hex('3006 0101ff 020100'), true, 0],
  ['a CA of a CA', hex('3006 0101ff 020101'), true, 1],
  ['a CA with the longest path that is read', hex('3009 0101ff 02047fffffff'), true, 0x7fffffff],
])('basic constraints of %s', (_, value, cA, pathLenConstraint) => {
  expect(parseBasicConstraints(value)).toEqual({ cA, pathLenConstraint });
});

test.each<[string, Uint8Array]>([
  ['cA written FALSE, which is the default', hex('3003 010100')],
  ['cA 01', hex('3003 010101')],
  ['a path length without cA (RFC 5280 4.2.1.9)', hex('3003 020100')],
  ['a path length beside cA FALSE', hex('3006 010100 020100')],
  ['a negative path length', hex('3006 0101ff 0201ff')],
  ['a path length that is not minimal', hex('3007 0101ff 02020001')],
  ['a path length that would wrap', hex('300a 0101ff 020500ffffffff')],
  ['an empty path length', hex('3005 0101ff 0200')],
  ['the path length first', hex('3006 020100 0101ff')],
  ['cA twice', hex('3006 0101ff 0101ff')],
  ['something after the path length', hex('3009 0101ff 020100 020100')],
  ['a SET around it', hex('3103 0101ff')],
])('basic constraints with %s are refused', (_, value) => {
  expect(refusal(() => parseBasicConstraints(value)).code).toBe('DER_MALFORMED');
});

test('extended key usages, in the order of the extension', () => {
  expect(parseExtendedKeyUsage(hex('3016 060a2b060104018237140202 06082b06010505070302'))).toEqual([
    '1.3.6.1.4.1.311.20.2.2',
    '1.3.6.1.5.5.7.3.2',
  ]);
  expect(parseExtendedKeyUsage(seq(oid('2.5.29.37.0')))).toEqual(['2.5.29.37.0']);
});

test.each<[string, Uint8Array]>([
  ['no purpose', seq()],
  ['a NULL among them', seq(oid('1.2.3'), nullElement)],
  ['a purpose in a SEQUENCE of its own', seq(seq(oid('1.2.3')))],
  ['a SET around them', set(oid('1.2.3'))],
  ['a purpose alone', oid('1.2.3')],
  ['a relative OID', seq(tlv(0x0d, Uint8Array.of(1, 2)))],
])('extended key usages with %s are refused', (_, value) => {
  expect(refusal(() => parseExtendedKeyUsage(value)).code).toBe('DER_MALFORMED');
});

test('key identifiers are octets, whatever their number', () => {
  expect(toHex(parseSubjectKeyIdentifier(hex('0414 00112233445566778899aabbccddeeff00112233')))).toBe(
    '00112233445566778899aabbccddeeff00112233',
  );
  expect(refusal(() => parseSubjectKeyIdentifier(hex('0304 00010203'))).code).toBe('DER_MALFORMED');
  expect(refusal(() => parseSubjectKeyIdentifier(seq(hex('0401 00')))).code).toBe('DER_MALFORMED');
});

const names = tlv(0xa1, tlv(0xa4, commonName('Issuer')));
const serial = tlv(0x82, Uint8Array.of(5));

test.each<[string, Uint8Array, string | undefined]>([
  ['the key identifier alone', seq(hex('8002 0102')), '0102'],
  ['all three', seq(hex('8002 0102'), names, serial), '0102'],
  ['issuer and serial number', seq(names, serial), undefined],
  ['nothing', seq(), undefined],
])('an authority key identifier with %s', (_, value, expected) => {
  const keyIdentifier = parseAuthorityKeyIdentifier(value);
  expect(keyIdentifier === undefined ? undefined : toHex(keyIdentifier)).toBe(expected);
});

test.each<[string, Uint8Array]>([
  ['the issuer without the serial number', seq(hex('8002 0102'), names)],
  ['the serial number without the issuer', seq(hex('8002 0102'), serial)],
  ['no name in the issuer', seq(hex('8002 0102'), tlv(0xa1), serial)],
  ['the issuer not in GeneralNames', seq(tlv(0xa1, commonName('Issuer')), serial)],
  ['an empty serial number', seq(names, tlv(0x82))],
  ['a serial number that is not minimal', seq(names, tlv(0x82, Uint8Array.of(0, 5)))],
  ['a negative serial number that is not minimal', seq(names, tlv(0x82, Uint8Array.of(0xff, 0x80)))],
  ['the key identifier twice', seq(hex('8002 0102'), hex('8002 0102'))],
  ['the key identifier last', seq(names, serial, hex('8002 0102'))],
  ['the key identifier with an explicit tag', seq(tlv(0xa0, hex('0402 0102')))],
  ['a fourth field', seq(names, serial, text(0x83, 'x'))],
  ['an OCTET STRING only, as a subject key identifier', hex('0402 0102')],
])('an authority key identifier with %s is refused', (_, value) => {
  expect(refusal(() => parseAuthorityKeyIdentifier(value)).code).toBe('DER_MALFORMED');
});
