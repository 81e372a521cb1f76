import {
  createCertificationRequest,
  Certificate,
  CertificationRequest,
  Name,
  parseSignedData,
} from '@countersign/core';
import { Null, OctetString, Utf8String } from 'asn1js';
import {
  AttributeTypeAndValue,
  CertificationRequest as PkijsRequest,
  ContentInfo,
  EncapsulatedContentInfo,
  RelativeDistinguishedNames,
  SignedData,
} from 'pkijs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sequence, utf8String } from './der.ts';
import { hasOpenssl, openssl, OpensslFiles } from './openssl.ts';
import { readRequest as readWithOpenssl } from './openssl-request-reader.ts';
import {
  Attribute,
  Extension,
  Pkcs10CertificateRequestGenerator,
  X509Certificate,
  X509CertificateGenerator,
} from './peculiar-x509.ts';
import * as peculiar from './peculiar-reader.ts';
import * as pkijs from './pkijs-reader.ts';
import { softwareKey, type SoftwareKey } from './software-key.ts';
import { hex } from './values.ts';

/** Where core and a counterpart differ on purpose, or a counterpart errs; the generated cases keep away from these. */

const ecdsa = { name: 'ECDSA', hash: 'SHA-256' };
const files = new OpensslFiles();
let key: SoftwareKey;

beforeAll(async () => {
  key = await softwareKey('p256');
});

afterAll(() => files.remove());

describe('pkijs 4.0.0', () => {
  test('writes a list of name attributes as one RDN in the order given, which DER has sorted (X.690 11.6)', async () => {
    const order = [
      ['2.5.4.10', 'a longer name'],
      ['2.5.4.3', 'Al'],
    ] as const;
    const typesAndValues = order.map(
      ([type, value]) => new AttributeTypeAndValue({ type, value: new Utf8String({ value }) }),
    );
    const inOrderGiven = await pkijsRequest(new RelativeDistinguishedNames({ typesAndValues }));
    expect(() => CertificationRequest.parse(inOrderGiven)).toThrow('not in ascending order');
    const reversed = typesAndValues.toReversed();
    const inDerOrder = await pkijsRequest(new RelativeDistinguishedNames({ typesAndValues: reversed }));
    expect(CertificationRequest.parse(inDerOrder).subject.toString()).toBe('CN=Al+O=a longer name');
  });

  test('puts content into a constructed OCTET STRING, which DER has not (X.690 10.2)', () => {
    const encapContentInfo = new EncapsulatedContentInfo({
      eContentType: '1.2.840.113549.1.7.1',
      eContent: new OctetString({ valueHex: Uint8Array.of(1, 2, 3) }),
    });
    const signedData = new SignedData({ version: 1, encapContentInfo });
    const contentInfo = new ContentInfo({
      contentType: ContentInfo.SIGNED_DATA,
      content: signedData.toSchema(true),
    });
    const der = new Uint8Array(contentInfo.toSchema().toBER());
    expect(() => parseSignedData(der)).toThrow('tag 24 stands where tag 04 was expected');
  });
});

describe('@peculiar/x509 2.2.0', () => {
  test('writes requested extensions after the other attributes, which DER has sorted (X.690 11.6)', async () => {
    const request = await Pkcs10CertificateRequestGenerator.create({
      keys: await key.webCrypto('ecdsa-sha256'),
      signingAlgorithm: ecdsa,
      attributes: [new Attribute('1.3.6.1.4.1.55555.2.1', [utf8String('x'.repeat(100))])],
      extensions: [unknownExtension()],
    });
    expect(() => CertificationRequest.parse(new Uint8Array(request.rawData))).toThrow(
      'not in ascending order',
    );
  });

  test('loses a NULL among the values of an attribute, which core, pkijs and OpenSSL keep', async () => {
    const type = '1.3.6.1.4.1.55555.2.1';
    const attributes = [{ type, values: [new Uint8Array(new Null().toBER())] }];
    const request = await createCertificationRequest(key, { attributes });
    expect(CertificationRequest.parse(request).attributes.map(({ values }) => values.map(hex))).toEqual([
      ['0500'],
    ]);
    expect((await pkijs.readRequest(request)).attributes).toEqual([{ type, values: ['0500'] }]);
    if (hasOpenssl) expect(readWithOpenssl(request).attributes).toEqual([{ type, values: ['0500'] }]);
    expect((await peculiar.readRequest(request)).attributes).toEqual([{ type, values: [''] }]);
  });

  test('writes and reads an extension twice, which core refuses (RFC 5280 4.2)', async () => {
    const der = await peculiarCertificate({ extensions: [unknownExtension(), unknownExtension()] });
    expect(new X509Certificate(der).extensions).toHaveLength(2);
    expect(() => Certificate.parse(der)).toThrow('stands twice');
    const once = await peculiarCertificate({ extensions: [unknownExtension()] });
    expect(Certificate.parse(once).extensions).toHaveLength(1);
  });

  test('writes and reads a serial number of 21 octets, which core refuses (RFC 5280 4.1.2.2)', async () => {
    const extensions = [unknownExtension()];
    const der = await peculiarCertificate({ extensions, serialNumber: '41'.repeat(21) });
    expect(new X509Certificate(der).serialNumber).toBe('41'.repeat(21));
    expect(() => Certificate.parse(der)).toThrow('exceeds 20 octets');
    const shorter = await peculiarCertificate({ extensions, serialNumber: '41'.repeat(20) });
    expect(Certificate.parse(shorter).serialNumber).toBe('41'.repeat(20));
  });

  test('writes a certificate without extensions, which core has no profile for and refuses', async () => {
    const der = await peculiarCertificate({ extensions: [] });
    expect(new X509Certificate(der).extensions).toHaveLength(0);
    expect(() => Certificate.parse(der)).toThrow(expect.objectContaining({ code: 'DER_MALFORMED' }));
  });
});

describe.runIf(hasOpenssl)('OpenSSL 3', () => {
  test('reads a TeletexString as Latin-1; core leaves it undecoded, as #hex (RFC 4514 2.4)', () => {
    const configuration = files.write(
      'teletex.cnf',
      '[req]\ndistinguished_name = subject\nprompt = no\nutf8 = yes\nstring_mask = default\n[subject]\nCN = "é"\n',
    );
    const keyFile = files.write('key.pem', key.pem);
    const form = ['-new', '-utf8', '-config', configuration, '-key', keyFile, '-outform', 'DER'];
    const request = openssl(['req', ...form]);
    expect(readWithOpenssl(request).subject).toEqual([[['2.5.4.3', 'é']]]);
    expect(CertificationRequest.parse(request).subject.toString()).toBe('CN=#1401e9');
    expect(Name.fromString('CN=#1401e9').equals(CertificationRequest.parse(request).subject)).toBe(true);
  });
});

async function pkijsRequest(subject: RelativeDistinguishedNames): Promise<Uint8Array> {
  const { privateKey, publicKey } = await key.webCrypto('ecdsa-sha256');
  const request = new PkijsRequest({ subject, attributes: [] });
  await request.subjectPublicKeyInfo.importKey(publicKey);
  await request.sign(privateKey, 'SHA-256');
  return new Uint8Array(request.toSchema().toBER());
}

async function peculiarCertificate(fields: {
  extensions: Extension[];
  serialNumber?: string;
}): Promise<Uint8Array<ArrayBuffer>> {
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=Peculiar',
    keys: await key.webCrypto('ecdsa-sha256'),
    signingAlgorithm: ecdsa,
    ...fields,
  });
  return new Uint8Array(certificate.rawData);
}

function unknownExtension(): Extension {
  return new Extension('1.3.6.1.4.1.55555.1.1', false, sequence());
}
