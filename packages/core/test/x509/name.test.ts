import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { Certificate, Name } from '@countersign/core';
import { expect, test } from 'vitest';
import { hex, nullElement, oid, seq, set, text, tlv, toHex } from '../encodings/der.ts';
import { certificate, commonName } from '../encodings/documents.ts';
import { refusal, verdict } from '../encodings/refusal.ts';

const cn = (identifier: number, value: string): Uint8Array => seq(oid('2.5.4.3'), text(identifier, value));

test('names are the same if and only if their octets are', () => {
  const name = Name.parse(seq(set(cn(0x0c, 'Alice'))));
  expect(name.equals(Name.fromString('CN=Alice'))).toBe(true);
  for (const other of [
    Name.fromString('CN=alice'),
    Name.fromString('CN=Alice,DC=test'),
    Name.parse(seq(set(cn(0x13, 'Alice')))),
    Name.empty,
  ]) {
    expect([name.equals(other), other.equals(name)]).toEqual([false, false]);
  }
  // The order of RDNs is part of a name.
  expect(Name.fromString('DC=a,DC=b').equals(Name.fromString('DC=b,DC=a'))).toBe(false);
});

test('the same text in another string type prints the same and is another name', () => {
  const [utf8, printable, bmp] = [
    seq(set(cn(0x0c, 'Alice'))),
    seq(set(cn(0x13, 'Alice'))),
    seq(set(seq(oid('2.5.4.3'), tlv(0x1e, hex('0041006c006900630065'))))),
  ].map((der) => Name.parse(der));
  expect([utf8, printable, bmp].map(String)).toEqual(['CN=Alice', 'CN=Alice', 'CN=Alice']);
});

test('types without a keyword, and values that are not text, print as OID and #hex', () => {
  const name = Name.parse(
    seq(
      set(seq(oid('2.5.4.3'), tlv(0x02, Uint8Array.of(5)))),
      set(seq(oid('2.5.4.97'), text(0x0c, 'VATDE-1'))),
      set(seq(oid('1.2.3'), seq(nullElement))),
    ),
  );
  expect(name.toString()).toBe('1.2.3=#30020500,2.5.4.97=#0c0756415444452d31,CN=#020105');
  expect(Name.fromString(name.toString()).equals(name)).toBe(true);
});

test.each<[string, Uint8Array]>([
  ['an empty RDN', seq(set())],
  ['an empty RDN among others', seq(set(cn(0x0c, 'a')), set())],
  ['an attribute outside an RDN', seq(cn(0x0c, 'a'))],
  ['an RDN that is a SEQUENCE', seq(seq(cn(0x0c, 'a')))],
  ['an attribute without a value', seq(set(seq(oid('2.5.4.3'))))],
  ['an attribute with two values', seq(set(seq(oid('2.5.4.3'), text(0x0c, 'a'), text(0x0c, 'b'))))],
  ['an attribute without a type', seq(set(seq(text(0x0c, 'a'))))],
  ['an empty attribute', seq(set(seq()))],
  ['a set around it', set(set(cn(0x0c, 'a')))],
])('a Name with %s is refused', (_, der) => {
  expect(refusal(() => Name.parse(der)).code).toBe('DER_MALFORMED');
});

test('a control character is read and shown escaped, a NUL is not read', () => {
  expect(Name.parse(commonName('a\r\n\u001bb')).toString()).toBe(String.raw`CN=a\0d\0a\1bb`);
  expect(verdict(() => Name.parse(commonName('a\0b')))).toBe('DER_MALFORMED');
});

test('OpenSSL and node read the names that are written here', () => {
  const string = 'CN=Alice\\, A.+UID=alice,OU=Ärzte,O=Contoso \\+ Söhne,DC=contoso,DC=test';
  const der = certificate({ subject: Name.fromString(string).der });
  const shown = execFileSync(
    'openssl',
    ['x509', '-inform', 'DER', '-noout', '-subject', '-nameopt', 'RFC2253,-esc_msb,utf8'],
    {
      input: der,
      encoding: 'utf8',
    },
  );
  expect(shown.trim().replace('subject=', '')).toBe(
    'UID=alice+CN=Alice\\, A.,OU=Ärzte,O=Contoso \\+ Söhne,DC=contoso,DC=test',
  );
  expect(new X509Certificate(der).subject.split('\n').slice(0, 4)).toEqual([
    'DC=test',
    'DC=contoso',
    'O=Contoso \\+ Söhne',
    'OU=Ärzte',
  ]);
  expect(Certificate.parse(der).subject.toString()).toBe(Name.fromString(string).toString());
  expect(toHex(Certificate.parse(der).subject.der)).toBe(toHex(Name.fromString(string).der));
});
