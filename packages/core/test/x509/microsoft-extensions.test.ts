import {
  parseApplicationPolicies,
  parseCertificateTemplate,
  parseNtdsCaSecurityExtension,
  parseSubjectAltName,
  subjectAltName,
  userPrincipalName,
  userPrincipalNamesIn,
} from '@countersign/core';
import { expect, test } from 'vitest';
import { hex, int, nullElement, oid, seq, text, tlv, toHex } from '../encodings/der.ts';
import { refusal, verdict } from '../encodings/refusal.ts';

const objectSid = '1.3.6.1.4.1.311.25.2.1';
const clientAuth = '1.3.6.1.5.5.7.3.2';
const smartCardLogon = '1.3.6.1.4.1.311.20.2.2';

function sidExtension(sid: string, type = objectSid): Uint8Array {
  return seq(tlv(0xa0, oid(type), tlv(0xa0, text(0x04, sid))));
}

test('the SID of a certificate is the one that domain controllers map by', () => {
  const vector =
    '303ea03c060a2b060104018237190201a02e042c532d312d352d32312d313030343333363334382d313137373233383931352d3638323030333333302d353132';
  expect(parseNtdsCaSecurityExtension(hex(vector))).toBe('S-1-5-21-1004336348-1177238915-682003330-512');
  expect(toHex(sidExtension('S-1-5-21-1004336348-1177238915-682003330-512'))).toBe(vector);
  // The longest and the shortest: fifteen subauthorities and one.
  const longest = `S-1-281474976710655${'-4294967295'.repeat(15)}`;
  for (const sid of ['S-1-1-0', 'S-1-5-18', longest]) {
    expect(parseNtdsCaSecurityExtension(sidExtension(sid))).toBe(sid);
  }
});

test.each([
  '',
  'S-1-5',
  'S-1-',
  'S-2-5-18',
  's-1-5-18',
  'S-1-5-18 ',
  ' S-1-5-18',
  'S-1-5-18\0',
  'S-1-5--18',
  'S-1-5-18-',
  'S-1-5-x',
  'S-1-5-18\nS-1-5-19',
  'S-1-5-é',
  `S-1-5${'-1'.repeat(16)}`,
  'alice@contoso.test',
])('a SID extension with %j is refused', (sid) => {
  expect(verdict(() => parseNtdsCaSecurityExtension(sidExtension(sid)))).toBe('DER_MALFORMED');
});

test.each<[string, Uint8Array]>([
  ['nothing in it', seq()],
  ['another otherName', sidExtension('S-1-5-18', '1.3.6.1.4.1.311.25.2')],
  ['a UPN', seq(tlv(0xa0, oid('1.3.6.1.4.1.311.20.2.3'), tlv(0xa0, text(0x0c, 'S-1-5-18'))))],
  ['two SIDs', seq(sidExtension('S-1-5-18').subarray(2), sidExtension('S-1-5-19').subarray(2))],
  ['the same SID twice', seq(sidExtension('S-1-5-18').subarray(2), sidExtension('S-1-5-18').subarray(2))],
  ['a dNSName beside it', seq(sidExtension('S-1-5-18').subarray(2), text(0x82, 'a.test'))],
  ['a URI instead', seq(text(0x86, 'tag:microsoft.com,2022-09-14:sid:S-1-5-18'))],
  ['the SID as a UTF8String', seq(tlv(0xa0, oid(objectSid), tlv(0xa0, text(0x0c, 'S-1-5-18'))))],
  ['a binary SID', seq(tlv(0xa0, oid(objectSid), tlv(0xa0, hex('040c 010100000000000512000000'))))],
  ['the SID without GeneralNames around it', sidExtension('S-1-5-18').subarray(2)],
])('a SID extension with %s is refused', (_, value) => {
  expect(refusal(() => parseNtdsCaSecurityExtension(value)).code).toBe('DER_MALFORMED');
});

test('a template is named by its OID and its version', () => {
  const id = '1.3.6.1.4.1.311.21.8.9251853.16301195.1234567.1';
  expect(parseCertificateTemplate(seq(oid(id), int(100), int(3)))).toEqual({
    oid: id,
    majorVersion: 100,
    minorVersion: 3,
  });
  // Versions are OPTIONAL (MS-WCCE 2.2.2.7.7.2).
  expect(parseCertificateTemplate(seq(oid(id), int(100)))).toMatchObject({
    majorVersion: 100,
    minorVersion: 0,
  });
  expect(parseCertificateTemplate(seq(oid(id)))).toMatchObject({ majorVersion: 0, minorVersion: 0 });
  expect(parseCertificateTemplate(hex('300a 06022a03 020101 020102'))).toEqual({
    oid: '1.2.3',
    majorVersion: 1,
    minorVersion: 2,
  });
});

test.each<[string, Uint8Array]>([
  ['a third number', seq(oid('1.2.3'), int(1), int(2), int(3))],
  ['a negative version', seq(oid('1.2.3'), int(0xff))],
  ['a text for a name', seq(text(0x1e, '\0U\0s\0e\0r'), int(1))],
  ['no OID', seq(int(1), int(2))],
  ['nothing', seq()],
  ['a NULL', seq(oid('1.2.3'), nullElement)],
  // The version 1 template extension is a BMPString of its own (1.3.6.1.4.1.311.20.2).
  ['the name of a version 1 template', text(0x1e, '\0U\0s\0e\0r')],
])('a template extension with %s is refused', (_, value) => {
  expect(refusal(() => parseCertificateTemplate(value)).code).toBe('DER_MALFORMED');
});

test('application policies are purposes in the syntax of certificate policies', () => {
  expect(
    parseApplicationPolicies(hex('301a 300a 06082b06010505070302 300c 060a2b060104018237140202')),
  ).toEqual([clientAuth, smartCardLogon]);
});

test('qualifiers of application policies are skipped', () => {
  const qualifiers = seq(seq(oid('1.3.6.1.5.5.7.2.1'), text(0x16, 'https://cps.test')));
  expect(parseApplicationPolicies(seq(seq(oid(clientAuth), qualifiers), seq(oid(smartCardLogon))))).toEqual([
    clientAuth,
    smartCardLogon,
  ]);
});

test.each<[string, Uint8Array]>([
  ['no policy', seq()],
  ['purposes without a SEQUENCE around each, as in an EKU', seq(oid(clientAuth))],
  ['two purposes in one', seq(seq(oid(clientAuth), oid(smartCardLogon)))],
  ['qualifiers that are no SEQUENCE', seq(seq(oid(clientAuth), nullElement))],
  ['something after the qualifiers', seq(seq(oid(clientAuth), seq(nullElement), nullElement))],
  ['a policy without a purpose', seq(seq())],
  ['a NULL among them', seq(seq(oid(clientAuth)), nullElement)],
])('application policies with %s are refused', (_, value) => {
  expect(refusal(() => parseApplicationPolicies(value)).code).toBe('DER_MALFORMED');
});

test('a UPN is an otherName with a UTF8String', () => {
  const { value } = subjectAltName([userPrincipalName('älice@contoso.test')]);
  expect(toHex(value)).toBe(
    toHex(
      seq(tlv(0xa0, oid('1.3.6.1.4.1.311.20.2.3'), tlv(0xa0, tlv(0x0c, Buffer.from('älice@contoso.test'))))),
    ),
  );
  expect(userPrincipalNamesIn(parseSubjectAltName(value))).toEqual(['älice@contoso.test']);
});

test.each(['', 'a\0b', '\ud800'])('a UPN that no reader would take is not written: %j', (upn) => {
  expect(verdict(() => userPrincipalName(upn))).toBe('VALUE_OUT_OF_RANGE');
});

test('UPNs are found among other names, all of them, and other otherNames are none', () => {
  const names = parseSubjectAltName(
    subjectAltName([
      { kind: 'rfc822Name', text: 'mail@contoso.test' },
      userPrincipalName('one@contoso.test'),
      { kind: 'otherName', typeId: '1.3.6.1.5.2.2', value: text(0x0c, 'kerberos@contoso.test') },
      userPrincipalName('two@contoso.test'),
    ]).value,
  );
  expect(userPrincipalNamesIn(names)).toEqual(['one@contoso.test', 'two@contoso.test']);
  expect(userPrincipalNamesIn([])).toEqual([]);
});

test.each<[string, Uint8Array]>([
  ['an IA5String', text(0x16, 'a@b')],
  ['a BMPString', text(0x1e, '\0a')],
  ['an OCTET STRING', text(0x04, 'a@b')],
  ['empty', text(0x0c, '')],
  ['text with a NUL', text(0x0c, 'admin@b\0.evil')],
  ['not UTF-8', text(0x0c, '\xe4')],
  ['two strings', hex('0c0161 0c0162')],
])('a UPN that is %s is refused', (_, value) => {
  const name = { kind: 'otherName', typeId: '1.3.6.1.4.1.311.20.2.3', value } as const;
  expect(refusal(() => userPrincipalNamesIn([name])).code).toBe('DER_MALFORMED');
});
