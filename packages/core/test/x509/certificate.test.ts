import { X509Certificate } from 'node:crypto';
import { Certificate, PublicKey } from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { concat, hex, int, nullElement, oid, seq, tlv, toHex } from '../encodings/der.ts';
import {
  certificate,
  certificateWith,
  commonName,
  ecdsaWithSha256,
  exampleExtensions,
  examplePublicKey,
  extension,
  type CertificatePart,
} from '../encodings/documents.ts';
import { refusal, verdict } from '../encodings/refusal.ts';

type Wrong = Partial<Record<CertificatePart, Uint8Array>>;

test('everything in a certificate is what node finds there', () => {
  const der = certificate();
  const parsed = Certificate.parse(der);
  const node = new X509Certificate(der);
  expect(toHex(parsed.der)).toBe(toHex(der));
  expect(parsed.serialNumber).toBe(node.serialNumber.toLowerCase());
  expect(parsed.issuer.toString()).toBe(node.issuer);
  expect(parsed.subject.toString()).toBe(node.subject);
  expect(parsed.notBefore).toEqual(node.validFromDate);
  expect(parsed.notAfter).toEqual(node.validToDate);
  expect(parsed.publicKey.keyObject.equals(node.publicKey)).toBe(true);
  expect(parsed.extensions).toEqual([
    { oid: '2.5.29.15', critical: true, value: hex('03020780') },
    { oid: '2.5.29.19', critical: true, value: hex('3000') },
    { oid: '2.5.29.37', critical: false, value: hex('300a06082b06010505070302') },
  ]);
  expect(toHex(parsed.extension('2.5.29.19') ?? new Uint8Array())).toBe('3000');
  expect(parsed.extension('2.5.29.14')).toBeUndefined();
  expect(toHex(parsed.tbsCertificate)).toBe(toHex(der.subarray(4, 4 + parsed.tbsCertificate.length)));
});

test.each<[string, number[]]>([
  ['1', [1]],
  ['127', [0x7f]],
  ['128, with its sign octet', [0, 0x80]],
  ['the largest of twenty octets', [0x7f, ...Array.from({ length: 19 }, () => 0xff)]],
  ['one with a sign octet, twenty in all', [0, ...Array.from({ length: 19 }, () => 0xff)]],
])('a serial number may be %s', (_, contents) => {
  const parsed = Certificate.parse(certificate({ serialNumber: int(...contents) }));
  expect(parsed.serialNumber).toBe(toHex(Uint8Array.from(contents)));
});

test.each<[string, Wrong]>([
  ['serial number 0', { serialNumber: int(0) }],
  ['a negative serial number', { serialNumber: int(0x80) }],
  ['serial number -1', { serialNumber: int(0xff) }],
  ['a serial number of 21 octets', { serialNumber: int(1, ...Array.from({ length: 20 }, () => 0)) }],
  [
    'a serial number of 21 octets with its sign',
    { serialNumber: int(0, ...Array.from({ length: 20 }, () => 0xff)) },
  ],
  ['a serial number of 40 octets', { serialNumber: int(...Array.from({ length: 40 }, () => 1)) }],
  ['a serial number that is not minimal', { serialNumber: int(0, 5) }],
  ['an empty serial number', { serialNumber: int() }],
  ['version 1, written', { version: tlv(0xa0, int(0)) }],
  ['version 1 by absence, but extensions', { version: new Uint8Array() }],
  ['version 2 and extensions', { version: tlv(0xa0, int(1)) }],
  ['version 1 and no extensions', { version: new Uint8Array(), extensions: new Uint8Array() }],
  ['version 4', { version: tlv(0xa0, int(3)) }],
  ['version 5', { version: tlv(0xa0, int(4)) }],
  ['a negative version', { version: tlv(0xa0, int(0xff)) }],
  ['two versions', { version: tlv(0xa0, int(2), int(2)) }],
  ['an implicit version', { version: hex('800102') }],
  ['no extensions', { extensions: new Uint8Array() }],
  ['an empty list of extensions', { extensions: tlv(0xa3, seq()) }],
  ['empty extensions', { extensions: tlv(0xa3) }],
  [
    'two lists of extensions',
    { extensions: tlv(0xa3, seq(...exampleExtensions), seq(...exampleExtensions)) },
  ],
  [
    'extensions twice',
    { extensions: concat(tlv(0xa3, seq(...exampleExtensions)), tlv(0xa3, seq(...exampleExtensions))) },
  ],
  [
    'unique identifiers in the wrong order',
    { extensions: concat(hex('8202000181020001'), tlv(0xa3, seq(...exampleExtensions))) },
  ],
  ['an empty issuer', { issuer: seq() }],
  ['a NUL in the subject', { subject: commonName('admin\0.evil') }],
  ['a NUL in the issuer', { issuer: commonName('CA\0') }],
  ['bad UTF-8 in the subject', { subject: commonName('\xff') }],
  ['another algorithm outside', { outerAlgorithm: seq(oid('1.2.840.10045.4.3.3')) }],
  ['another algorithm inside', { innerAlgorithm: seq(oid('1.2.840.10045.4.3.3')) }],
  ['the same algorithm with NULL inside', { innerAlgorithm: seq(oid('1.2.840.10045.4.3.2'), nullElement) }],
  ['a field after the signature', { afterSignature: nullElement }],
  ['something after the second time', { afterNotAfter: nullElement }],
])('a certificate with %s is refused', (_, wrong) => {
  const error = refusal(() => Certificate.parse(certificate(wrong)));
  expect([error.code, error.adcs?.symbol]).toEqual(['DER_MALFORMED', 'ERROR_INVALID_DATA']);
});

test('an empty subject is legal', () => {
  expect(Certificate.parse(certificate({ subject: seq() })).subject.isEmpty).toBe(true);
});

test.each<[string, Uint8Array]>([
  ['no value', seq(oid('1.2.3'))],
  ['a value that is no OCTET STRING', seq(oid('1.2.3'), nullElement)],
  ['a value before its OID', seq(tlv(0x04), oid('1.2.3'))],
  ['critical after its value', seq(oid('1.2.3'), tlv(0x04), hex('0101ff'))],
  ['critical twice', seq(oid('1.2.3'), hex('0101ff'), hex('0101ff'), tlv(0x04))],
  ['critical FALSE, which DER leaves out', extension('1.2.3', new Uint8Array(), 0)],
  ['two values', seq(oid('1.2.3'), tlv(0x04), tlv(0x04))],
  ['a value in pieces', seq(oid('1.2.3'), tlv(0x24, tlv(0x04)))],
  ['nothing in it', seq()],
])('an extension with %s is refused', (_, wrong) => {
  expect(verdict(() => Certificate.parse(certificateWith(...exampleExtensions, wrong)))).toBe(
    'DER_MALFORMED',
  );
});

test('an extension that stands twice is refused, even far apart and with another word on critical', () => {
  const twice = [
    ...exampleExtensions,
    extension('1.2.3', nullElement),
    extension('2.5.29.15', hex('03020106')),
  ];
  const error = refusal(() => Certificate.parse(certificateWith(...twice)));
  expect(error.message).toContain('the extension 2.5.29.15 stands twice');
});

test.each<[string, Uint8Array, string]>([
  [
    'an off-curve key',
    examplePublicKey.map((octet, i) => (i === examplePublicKey.length - 1 ? octet ^ 1 : octet)),
    'KEY_POINT_INVALID',
  ],
  ['a key of an unknown type', seq(seq(oid('1.2.3')), hex('030100')), 'ALGORITHM_NOT_SUPPORTED'],
])('a certificate for %s is refused', (_, publicKey, code) => {
  expect(verdict(() => Certificate.parse(certificate({ publicKey })))).toBe(code);
});

describe('isIssuedBy', () => {
  const issuer = Certificate.parse(certificate({ subject: commonName('Issuer') }));

  test('name and key are those of the issuer', () => {
    expect(Certificate.parse(certificate()).isIssuedBy(issuer)).toBe(true);
    expect(Certificate.parse(certificate()).isIssuedBy(Certificate.parse(certificate()))).toBe(false);
    const namesake = { subject: issuer.subject, publicKey: otherKey() };
    expect(Certificate.parse(certificate()).isIssuedBy(namesake)).toBe(false);
  });

  test('any altered octet of what is signed, or of the signature, breaks it', () => {
    const sound = certificate();
    const parsed = Certificate.parse(sound);
    expect(parsed.isIssuedBy(issuer)).toBe(true);
    let stillParsed = 0;
    for (const [i, octet] of sound.entries()) {
      const altered = Uint8Array.from(sound);
      altered[i] = octet ^ 0x01;
      if (verdict(() => Certificate.parse(altered)) !== 'taken') continue;
      stillParsed++;
      expect([i, Certificate.parse(altered).isIssuedBy(issuer)]).toEqual([i, false]);
    }
    expect(stillParsed).toBeGreaterThan(50);
  });

  test('a signature of an algorithm that is not accepted is refused rather than tried', () => {
    const sha1 = seq(oid('1.2.840.10045.4.1'));
    const weak = Certificate.parse(certificate({ innerAlgorithm: sha1, outerAlgorithm: sha1 }));
    expect(verdict(() => weak.isIssuedBy(issuer))).toBe('ALGORITHM_NOT_SUPPORTED');
    const withNull = concat(ecdsaWithSha256.subarray(2), nullElement);
    const sloppy = Certificate.parse(
      certificate({ innerAlgorithm: seq(withNull), outerAlgorithm: seq(withNull) }),
    );
    expect(verdict(() => sloppy.isIssuedBy(issuer))).toBe('ALGORITHM_NOT_SUPPORTED');
    const rsa = seq(oid('1.2.840.113549.1.1.11'), nullElement);
    const crossed = Certificate.parse(certificate({ innerAlgorithm: rsa, outerAlgorithm: rsa }));
    expect(verdict(() => crossed.isIssuedBy(issuer))).toBe('SCHEME_NOT_SUPPORTED');
  });

  test('a signature algorithm that is not DER is not even parsed', () => {
    for (const wrong of [hex('30800000'), seq(hex('06022a')), seq(hex('058100')), seq(hex('2403040100'))]) {
      expect(
        verdict(() => Certificate.parse(certificate({ innerAlgorithm: wrong, outerAlgorithm: wrong }))),
      ).toBe('DER_MALFORMED');
    }
  });
});

describe('assertValidAt', () => {
  const parsed = Certificate.parse(certificate());

  // RFC 5280 4.1.2.5: both ends are included.
  test.each([
    ['CERTIFICATE_NOT_YET_VALID', '1970-01-01T00:00:00.000Z'],
    ['CERTIFICATE_NOT_YET_VALID', '2025-12-31T23:59:59.000Z'],
    ['CERTIFICATE_NOT_YET_VALID', '2025-12-31T23:59:59.999Z'],
    ['taken', '2026-01-01T00:00:00.000Z'],
    ['taken', '2026-01-01T00:00:00.001Z'],
    ['taken', '2026-12-31T23:59:59.999Z'],
    ['taken', '2027-01-01T00:00:00.000Z'],
    ['CERTIFICATE_EXPIRED', '2027-01-01T00:00:01.000Z'],
    ['CERTIFICATE_EXPIRED', '9999-12-31T23:59:59.000Z'],
  ])('%s at %s', (expected, at) => {
    expect(verdict(() => parsed.assertValidAt(new Date(at), 'example'))).toBe(expected);
  });

  test('the refusal names the certificate by its role, the bound and the time', () => {
    const error = refusal(() => parsed.assertValidAt(new Date('2028-01-01T00:00:00Z'), 'enrollment agent'));
    expect([error.message, error.adcs?.hresult]).toEqual([
      'the enrollment agent certificate expired at 2027-01-01T00:00:00.000Z; it is 2028-01-01T00:00:00.000Z',
      0x800b0101,
    ]);
  });

  test('a time that is none is in no validity', () => {
    expect(verdict(() => parsed.assertValidAt(new Date(Number.NaN), 'example'))).toBe('VALUE_OUT_OF_RANGE');
  });
});

/** Another point of P-256: the example's, with the other y. */
function otherKey(): PublicKey {
  const y = BigInt(`0x${toHex(examplePublicKey.subarray(-32))}`);
  const p = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
  return PublicKey.parse(
    concat(examplePublicKey.subarray(0, -32), hex((p - y).toString(16).padStart(64, '0'))),
  );
}
