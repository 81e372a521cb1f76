import {
  Certificate,
  CertificationRequest,
  Name,
  parseApplicationPolicies,
  parseAuthorityKeyIdentifier,
  parseBasicConstraints,
  parseCertificateTemplate,
  parseEnrollCertType,
  parseExtendedKeyUsage,
  parseKeyUsage,
  parseNtdsCaSecurityExtension,
  parseSignedData,
  parseSubjectAltName,
  parseSubjectKeyIdentifier,
  PublicKey,
} from '@countersign/core';
import { hex, int, oid, seq, set, text, tlv } from './der.ts';
import { certificate, examplePublicKey, request, signedData } from './documents.ts';

/** One sound document for each public reader of DER. */
export interface ReaderCase {
  readonly name: string;
  readonly sound: Uint8Array;
  readonly read: (der: Uint8Array) => unknown;
  /**
   * Where parsing takes another element than the sound one, since nobody interprets it there and then: values of names
   * that are not text, values of attributes, and signature algorithms, which are looked up when a signature is checked.
   */
  readonly uninterpreted: { readonly value: readonly string[]; readonly surplus: readonly string[] };
}

const everything = { value: [], surplus: [] } as const;

const multiValuedName = seq(
  set(seq(oid('0.9.2342.19200300.100.1.25'), text(0x16, 'test'))),
  set(seq(oid('2.5.4.6'), text(0x13, 'DE')), seq(oid('2.5.4.3'), text(0x0c, 'Alice'))),
);

const generalNames = seq(
  tlv(0xa0, oid('1.3.6.1.4.1.311.20.2.3'), tlv(0xa0, text(0x0c, 'alice@contoso.test'))),
  text(0x81, 'alice@contoso.test'),
  text(0x82, 'host.contoso.test'),
  tlv(0xa4, multiValuedName),
  text(0x86, 'urn:x'),
  tlv(0x87, Uint8Array.of(192, 0, 2, 1)),
);

export const rsaPublicKey = seq(
  seq(oid('1.2.840.113549.1.1.1'), hex('0500')),
  tlv(0x03, Uint8Array.of(0), seq(int(0x00, ...Array.from({ length: 256 }, () => 0xff)), int(1, 0, 1))),
);

export const readerCases: readonly ReaderCase[] = [
  {
    name: 'Certificate.parse',
    sound: certificate(),
    read: (der) => Certificate.parse(der),
    uninterpreted: { value: ['top.0.3.0.0.1', 'top.0.5.0.0.1'], surplus: [] },
  },
  {
    name: 'CertificationRequest.parse',
    sound: request(),
    read: (der) => CertificationRequest.parse(der),
    uninterpreted: { value: ['top.0.1.0.0.1', 'top.1.0'], surplus: ['top.1'] },
  },
  {
    name: 'parseSignedData',
    sound: signedData(),
    read: parseSignedData,
    uninterpreted: {
      value: ['top.1.0.3.0.0.5.0.0.1', 'top.1.0.4.0.3.0.1.0', 'top.1.0.4.0.3.1.1.0', 'top.1.0.4.0.4.0'],
      surplus: ['top.1.0.4.0.3.1.1', 'top.1.0.4.0.4'],
    },
  },
  {
    name: 'PublicKey.parse of P-256',
    sound: examplePublicKey,
    read: (der) => PublicKey.parse(der),
    uninterpreted: everything,
  },
  {
    name: 'PublicKey.parse of RSA',
    sound: rsaPublicKey,
    read: (der) => PublicKey.parse(der),
    uninterpreted: everything,
  },
  {
    name: 'Name.parse',
    sound: multiValuedName,
    read: (der) => Name.parse(der),
    uninterpreted: { value: ['top.0.0.1', 'top.1.0.1', 'top.1.1.1'], surplus: [] },
  },
  {
    name: 'parseSubjectAltName',
    sound: generalNames,
    read: parseSubjectAltName,
    uninterpreted: { value: ['top.0.1.0', 'top.3.0.0.0.1', 'top.3.0.1.0.1', 'top.3.0.1.1.1'], surplus: [] },
  },
  { name: 'parseKeyUsage', sound: hex('030205a0'), read: parseKeyUsage, uninterpreted: everything },
  {
    name: 'parseBasicConstraints',
    sound: hex('30060101ff020103'),
    read: parseBasicConstraints,
    uninterpreted: everything,
  },
  {
    name: 'parseExtendedKeyUsage',
    sound: seq(oid('1.3.6.1.5.5.7.3.2'), oid('1.3.6.1.4.1.311.20.2.2')),
    read: parseExtendedKeyUsage,
    uninterpreted: everything,
  },
  {
    name: 'parseSubjectKeyIdentifier',
    sound: hex('0404 01020304'),
    read: parseSubjectKeyIdentifier,
    uninterpreted: everything,
  },
  {
    name: 'parseAuthorityKeyIdentifier',
    sound: seq(hex('8002 0102'), tlv(0xa1, tlv(0xa4, multiValuedName)), hex('8202 0080')),
    read: parseAuthorityKeyIdentifier,
    uninterpreted: { value: ['top.1.0.0.0.0.1', 'top.1.0.0.1.0.1', 'top.1.0.0.1.1.1'], surplus: [] },
  },
  {
    name: 'parseCertificateTemplate',
    sound: seq(oid('1.3.6.1.4.1.311.21.8.1.2'), int(100), int(5)),
    read: parseCertificateTemplate,
    uninterpreted: everything,
  },
  {
    name: 'parseEnrollCertType',
    sound: seq(text(0x0c, 'User')),
    read: parseEnrollCertType,
    uninterpreted: everything,
  },
  {
    name: 'parseApplicationPolicies',
    sound: seq(seq(oid('1.3.6.1.5.5.7.3.2')), seq(oid('1.3.6.1.4.1.311.20.2.2'))),
    read: parseApplicationPolicies,
    uninterpreted: everything,
  },
  {
    name: 'parseNtdsCaSecurityExtension',
    sound: hex(
      '303ea03c060a2b060104018237190201a02e042c532d312d352d32312d313030343333363334382d313137373233383931352d3638323030333333302d353132',
    ),
    read: parseNtdsCaSecurityExtension,
    uninterpreted: everything,
  },
];
