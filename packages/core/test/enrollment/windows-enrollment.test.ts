import {
  Certificate,
  CertificationRequest,
  parseCountersignedRequest,
  parseExtendedKeyUsage,
  parseKeyUsage,
  parseSignedData,
  parseSubjectAltName,
  userPrincipalNamesIn,
  verifySignerInfo,
} from '@countersign/core';
import { expect, test } from 'vitest';
import { hex } from './der.ts';
import { refusal } from './refusal.ts';
import { windowsCertificate, windowsRequest, windowsResponse } from './windows-enrollment.ts';

test("a Windows client's request is read, and refused for its SHA-1", async () => {
  const request = CertificationRequest.parse(windowsRequest);
  expect(request.subject.isEmpty).toBe(true);
  expect(request.publicKey.algorithm).toBe('rsa2048');
  expect(request.attributes.map(({ type }) => type)).toEqual([
    // OS version, client information, CSP, requested extensions.
    '1.3.6.1.4.1.311.13.2.3',
    '1.3.6.1.4.1.311.21.20',
    '1.3.6.1.4.1.311.13.2.2',
    '1.2.840.113549.1.9.14',
  ]);
  expect(request.extensionRequests.map(({ oid }) => oid)).toEqual([
    // Template name, EKU, key usage, S/MIME capabilities, key identifier.
    '1.3.6.1.4.1.311.20.2',
    '2.5.29.37',
    '2.5.29.15',
    '1.2.840.113549.1.9.15',
    '2.5.29.14',
  ]);
  const [templateName, purposes, usage] = request.extensionRequests;
  // A bare BMPString.
  expect(hex(templateName?.value)).toBe('1e080055007300650072');
  expect(parseExtendedKeyUsage(purposes?.value ?? new Uint8Array())).toEqual([
    '1.3.6.1.4.1.311.10.3.4',
    '1.3.6.1.5.5.7.3.4',
    '1.3.6.1.5.5.7.3.2',
  ]);
  expect(parseKeyUsage(usage?.value ?? new Uint8Array())).toEqual(['digitalSignature', 'keyEncipherment']);
  expect((await refusal(() => request.verifyProofOfPossession())).code).toBe('ALGORITHM_NOT_SUPPORTED');
});

test("the CA's response is read as SignedData, and is neither verified nor taken for a request", async () => {
  const response = parseSignedData(windowsResponse);
  // PKIResponse (RFC 5272 3.2.2): status "Issued" and the SHA-1 of the certificate.
  expect(response.eContentType).toBe('1.3.6.1.5.5.7.12.3');
  expect(hex(response.content)).toMatch(/^306d3067302102010106082b06010505070701/u);
  expect(Buffer.from(response.content).toString('latin1')).toContain('Issued');
  expect(response.signerCertificate.subject.toString()).toBe('CN=FB_EntSubCA,OU=Microsoft PKI Team');
  expect([...response.signerInfo.signedAttributes.keys()].toSorted()).toEqual([
    '1.2.840.113549.1.9.3',
    '1.2.840.113549.1.9.4',
  ]);
  expect((await refusal(() => verifySignerInfo(response))).code).toBe('ALGORITHM_NOT_SUPPORTED');
  const error = await refusal(() => parseCountersignedRequest(windowsResponse));
  expect(error.adcs).toEqual({ symbol: 'CRYPT_E_INVALID_MSG_TYPE', hresult: 0x80091004 });
});

test('the certificate that it issued is read, with its subject, its UPN and the key of the request', () => {
  const certificate = Certificate.parse(windowsCertificate);
  expect(certificate.serialNumber).toBe('18d9d5d300000000003d');
  expect(certificate.subject.toString()).toBe(
    'emailAddress=abby@D9-1351C0406A.NTTEST.MICROSOFT.COM,CN=abby,CN=Users,DC=d9-1351C0406A,DC=nttest,DC=microsoft,DC=com',
  );
  expect(certificate.publicKey.equals(CertificationRequest.parse(windowsRequest).publicKey)).toBe(true);
  const value = (oid: string): Uint8Array => certificate.extension(oid) ?? new Uint8Array();
  expect(parseExtendedKeyUsage(value('2.5.29.37'))).toContain('1.3.6.1.5.5.7.3.2');
  expect(hex(value('1.3.6.1.4.1.311.20.2'))).toBe('1e080055007300650072');
  expect(userPrincipalNamesIn(parseSubjectAltName(value('2.5.29.17')))).toEqual([
    'abby@d9-1351C0406A.nttest.microsoft.com',
  ]);
  expect(certificate.extensions.map(({ oid }) => oid)).toEqual([
    '1.2.840.113549.1.9.15',
    '1.3.6.1.4.1.311.20.2',
    '1.3.6.1.5.5.7.1.1',
    '2.5.29.14',
    '2.5.29.15',
    '2.5.29.17',
    '2.5.29.31',
    '2.5.29.35',
    '2.5.29.37',
  ]);
});
