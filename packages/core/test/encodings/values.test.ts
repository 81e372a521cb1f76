import {
  Certificate,
  CertificationRequest,
  Name,
  parseBasicConstraints,
  parseCertificateTemplate,
  parseExtendedKeyUsage,
  parseKeyUsage,
} from '@countersign/core';
import { expect, test } from 'vitest';
import { bits, hex, int, nullElement, oid, seq, set, text, tlv, toHex } from './der.ts';
import { certificate, certificateWith, examplePublicKey, extension, request } from './documents.ts';
import { verdict } from './refusal.ts';

test.each([
  ['taken', [0x00]],
  ['taken', [0x7f]],
  ['taken', [0x00, 0x80]],
  ['taken', [0x01, 0x00]],
  ['taken', [0x7f, 0xff, 0xff, 0xff]],
  ['DER_MALFORMED', []],
  ['DER_MALFORMED', [0x00, 0x00]],
  ['DER_MALFORMED', [0x00, 0x7f]],
  ['DER_MALFORMED', [0x00, 0x00, 0x80]],
  ['DER_MALFORMED', [0x80]],
  ['DER_MALFORMED', [0xff]],
  ['DER_MALFORMED', [0xff, 0xff]],
  ['DER_MALFORMED', [0xff, 0x80, 0x00]],
  ['DER_MALFORMED', [0x00, 0x80, 0x00, 0x00, 0x00]],
  ['DER_MALFORMED', [0x01, 0x00, 0x00, 0x00, 0x00]],
])('a small INTEGER: %s for %j', (expected, contents) => {
  const value = seq(oid('1.2.3'), int(...contents));
  expect(verdict(() => parseCertificateTemplate(value))).toBe(expected);
  if (expected === 'taken') {
    const number = contents.reduce((sum, octet) => sum * 256 + octet, 0);
    expect(parseCertificateTemplate(value)).toEqual({ oid: '1.2.3', majorVersion: number, minorVersion: 0 });
  }
});

test.each([
  ['taken', 'ff'],
  ['DER_MALFORMED', '01'],
  ['DER_MALFORMED', 'fe'],
  ['DER_MALFORMED', '80'],
  // X.690 11.5: FALSE is the default here.
  ['DER_MALFORMED', '00'],
  ['DER_MALFORMED', ''],
  ['DER_MALFORMED', 'ffff'],
])('a BOOLEAN: %s for %j', (expected, contents) => {
  const flag = tlv(0x01, hex(contents));
  expect(verdict(() => parseBasicConstraints(seq(flag)))).toBe(expected);
  const critical = seq(oid('1.2.3'), flag, tlv(0x04));
  expect(verdict(() => Certificate.parse(certificateWith(critical)))).toBe(expected);
  expect(
    verdict(() =>
      CertificationRequest.parse(
        request({ attributes: tlv(0xa0, seq(oid('1.2.840.113549.1.9.14'), set(seq(critical)))) }),
      ),
    ),
  ).toBe(expected);
});

test.each([
  ['0780', ['digitalSignature']],
  ['05a0', ['digitalSignature', 'keyEncipherment']],
  ['0106', ['keyCertSign', 'cRLSign']],
  ['0001', ['encipherOnly']],
  ['070080', ['decipherOnly']],
  [
    '07ff80',
    [
      'digitalSignature',
      'nonRepudiation',
      'keyEncipherment',
      'dataEncipherment',
      'keyAgreement',
      'keyCertSign',
      'cRLSign',
      'encipherOnly',
      'decipherOnly',
    ],
  ],
])('named bits %s are %j', (contents, usages) => {
  expect(parseKeyUsage(tlv(0x03, hex(contents)))).toEqual(usages);
});

test.each([
  ['an octet of zeros', '0000'],
  ['no bit at all', '00'],
  ['no first octet', ''],
  ['a trailing zero bit', '0680'],
  ['a trailing zero octet', '008000'],
  ['trailing zeros, as encoders of unnamed bits write them', '0080'],
  ['unused bits that are not zero', '0781'],
  ['unused bits that are not zero, in a second octet', '070180ff'],
  ['eight unused bits', '0880'],
  ['eight unused bits after a full octet', '080100'],
  ['255 unused bits', 'ff80'],
  ['unused bits of no octet', '07'],
  ['a tenth bit', '068040'],
  ['a seventeenth bit', '07000080'],
])('named bits with %s are refused', (_, contents) => {
  expect(verdict(() => parseKeyUsage(tlv(0x03, hex(contents))))).toBe('DER_MALFORMED');
});

test('a BIT STRING that holds a key or a signature has no unused bits', () => {
  const [algorithm, point] = [examplePublicKey.subarray(2, 23), examplePublicKey.subarray(26)];
  expect(toHex(seq(algorithm, bits(point)))).toBe(toHex(examplePublicKey));
  for (const first of [[], [1], [7], [8], [0xff]]) {
    const wrong = tlv(0x03, Uint8Array.from(first), first.length === 0 ? new Uint8Array() : point);
    expect(verdict(() => Certificate.parse(certificate({ publicKey: seq(algorithm, wrong) })))).toBe(
      'DER_MALFORMED',
    );
  }
  const sound = certificate();
  const at = Buffer.from(sound).lastIndexOf(Buffer.from([0x00, 0x30]));
  const unused = Uint8Array.from(sound);
  unused[at] = 1;
  expect(verdict(() => Certificate.parse(unused))).toBe('DER_MALFORMED');
});

test('a NULL has no contents', () => {
  // Past the parameters, the key itself is what is wrong.
  expect(() => CertificationRequest.parse(rsa(nullElement))).toThrow('RSA public key');
  expect(() => CertificationRequest.parse(rsa(hex('050100')))).toThrow('a NULL has contents');
});

test('a SET OF stands in ascending order, each element once (X.690 11.6)', () => {
  const ou = attribute('2.5.4.11', 'a');
  const cn = attribute('2.5.4.3', 'a');
  const long = attribute('2.5.4.3', 'aa');
  expect(rdn(cn, ou, long)).toBe('taken');
  for (const wrong of [
    [ou, cn],
    [cn, cn],
    [long, cn],
    [cn, long, ou],
    [ou, cn, long],
    [cn, ou, ou],
  ]) {
    expect(rdn(...wrong)).toBe('DER_MALFORMED');
  }
  const [one, two] = [seq(oid('1.2.3'), set(int(1))), seq(oid('1.2.3'), set(int(2)))];
  expect(attributes()).toBe('taken');
  expect(attributes(one, two)).toBe('taken');
  expect(attributes(two, one)).toBe('DER_MALFORMED');
  expect(attributes(one, one)).toBe('DER_MALFORMED');
  expect(attributes(seq(oid('1.2.3'), set(int(1), int(2))))).toBe('taken');
  expect(attributes(seq(oid('1.2.3'), set(int(2), int(1))))).toBe('DER_MALFORMED');
  expect(attributes(seq(oid('1.2.3'), set()))).toBe('DER_MALFORMED');
});

test.each([
  ['0.0', '00'],
  ['0.39', '27'],
  ['1.0', '28'],
  ['1.39', '4f'],
  ['2.0', '50'],
  ['2.47', '7f'],
  ['2.48', '8100'],
  ['2.999.3', '883703'],
  ['2.5.29.15', '551d0f'],
  ['1.2.840.113549', '2a864886f70d'],
  ['2.25.329800735698586629295641978511506172918', '6983f09da7ebcfdee0c7a1a7b2c0948cc8f9d776'],
  // Arcs around 2^32, 2^42 and 2^53, where numbers of fixed width wrap or lose digits.
  ['1.2.4294967295', '2a8fffffff7f'],
  ['1.2.4294967296', '2a9080808000'],
  ['1.2.4398046511103', '2affffffffff7f'],
  ['1.2.4398046511104', '2a81808080808000'],
  ['1.2.9007199254740993', '2a9080808080808001'],
  ['2.9007199254740992', '9080808080808050'],
  ['2.4294967296.1', '908080805001'],
])('the object identifier %s has the contents %s', (dotted, contents) => {
  expect(parseExtendedKeyUsage(seq(tlv(0x06, hex(contents))))).toEqual([dotted]);
  // Written by the core: an attribute type in a name.
  expect(toHex(Name.fromString(`${dotted}=#0500`).der)).toBe(
    toHex(seq(set(seq(tlv(0x06, hex(contents)), nullElement)))),
  );
});

test.each([
  ['nothing in it', ''],
  ['a superfluous 80 in front', '8001'],
  ['a superfluous 80 in front of a later arc', '2a8003'],
  ['only a superfluous 80', '80'],
  ['an arc that is cut off', '2a86'],
  ['a first arc that is cut off', '88'],
  ['an arc that would cost quadratic time', `2a${'ff'.repeat(50_000)}7f`],
  ['more octets than any that was assigned', '01'.repeat(129)],
])('an object identifier with %s is refused', (_, contents) => {
  expect(verdict(() => parseExtendedKeyUsage(seq(tlv(0x06, hex(contents)))))).toBe('DER_MALFORMED');
});

test('an object identifier of 128 octets is read, whether of many arcs or of one', () => {
  expect(parseExtendedKeyUsage(seq(tlv(0x06, hex('01'.repeat(128)))))).toEqual([`0${'.1'.repeat(128)}`]);
  const huge = 2n ** (7n * 127n) - 1n;
  expect(parseExtendedKeyUsage(seq(tlv(0x06, hex(`2a${'ff'.repeat(126)}7f`))))).toEqual([`1.2.${huge}`]);
});

test('an extension that stands twice is refused, whatever it says', () => {
  const [one, two] = [extension('2.5.29.19', hex('3000')), extension('2.5.29.19', hex('30030101ff'))];
  for (const pair of [
    [one, one],
    [one, two],
    [two, extension('1.2.3', hex('0500')), one],
  ]) {
    expect(verdict(() => Certificate.parse(certificateWith(...pair)))).toBe('DER_MALFORMED');
  }
});

/** A request for an RSA key with these parameters and no RSAPublicKey to speak of. */
function rsa(parameters: Uint8Array): Uint8Array {
  return request({ publicKey: seq(seq(oid('1.2.840.113549.1.1.1'), parameters), bits(seq())) });
}

function attribute(id: string, value: string): Uint8Array {
  return seq(oid(id), text(0x0c, value));
}

function rdn(...parts: readonly Uint8Array[]): string {
  return verdict(() => Name.parse(seq(set(...parts))));
}

function attributes(...parts: readonly Uint8Array[]): string {
  return verdict(() => CertificationRequest.parse(request({ attributes: tlv(0xa0, ...parts) })));
}
