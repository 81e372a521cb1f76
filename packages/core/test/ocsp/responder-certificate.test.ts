import { createCertificationRequest, CertificationAuthority, type Certificate } from '@countersign/core';
import { expect, test } from 'vitest';
import { caName, createEnrollment, now } from '../enrollment/enrollment-fixture.ts';
import { softwareKey } from '../enrollment/software-key.ts';
import { createOcspService } from './ocsp-fixture.ts';
import { hasOpenssl, OpensslFolder } from './openssl.ts';

test('an OCSP responder certificate has these extensions first, octet for octet', async () => {
  const { responderCertificate } = await createOcspService();
  const extensions = responderCertificate.extensions.map(({ oid, critical, value }) => [
    (critical ? '*' : '') + oid,
    Buffer.from(value).toString('hex'),
  ]);
  expect(extensions.slice(0, 3)).toEqual([
    // digitalSignature
    ['*2.5.29.15', '03020780'],
    // id-kp-OCSPSigning alone
    ['2.5.29.37', '300a06082b06010505070309'],
    // id-pkix-ocsp-nocheck: NULL
    ['1.3.6.1.5.5.7.48.1.5', '0500'],
  ]);
  expect(extensions.slice(3).map(([oid]) => oid)).toEqual([
    '2.5.29.14',
    '2.5.29.35',
    '2.5.29.31',
    '1.3.6.1.5.5.7.1.1',
  ]);
});

test('it lasts fourteen days, as nobody asks whether it is revoked, or as long as the CA', async () => {
  const { ca, caOptions, clock } = await createEnrollment();
  const certificate = await issueResponder(ca);
  expect(certificate.notBefore).toEqual(new Date('2026-03-04T04:56:07Z'));
  expect(certificate.notAfter).toEqual(new Date('2026-03-18T04:56:06Z'));
  clock.now = new Date(caOptions.certificate.notAfter.getTime() - 3_600_000);
  expect((await issueResponder(ca)).notAfter).toEqual(caOptions.certificate.notAfter);
});

test('the order stands in the ledger under its profile', async () => {
  const { ca, ledger } = await createEnrollment();
  const { serialNumber } = await issueResponder(ca);
  expect(await ledger.find(serialNumber)).toMatchObject({
    profile: 'ocsp-responder',
    subject: caName.toString(),
    agentSerialNumber: undefined,
    reservedAt: now,
  });
});

test('certificates say where the responder is, before where the CA is found', async () => {
  const { caOptions } = await createEnrollment();
  const access = async (changes: Partial<typeof caOptions>): Promise<string | undefined> => {
    const certificate = await issueResponder(new CertificationAuthority({ ...caOptions, ...changes }));
    const value = certificate.extension('1.3.6.1.5.5.7.1.1');
    return value && Buffer.from(value).toString('latin1');
  };
  const ocspUris = ['http://a/'];
  const ocsp = '0\x15\x06\x08+\x06\x01\x05\x05\x07\x30\x01\x86\x09http://a/';
  const caIssuers = '0\x15\x06\x08+\x06\x01\x05\x05\x07\x30\x02\x86\x09http://b/';
  expect(await access({ ocspUris, caIssuersUris: ['http://b/'] })).toBe(`0.${ocsp}${caIssuers}`);
  expect(await access({ ocspUris, caIssuersUris: [] })).toBe(`0\x17${ocsp}`);
  expect(await access({ caIssuersUris: ['http://b/'] })).toBe(`0\x17${caIssuers}`);
  expect(await access({ ocspUris: [], caIssuersUris: [] })).toBeUndefined();
});

test.runIf(hasOpenssl)('openssl finds the certificate good for OCSP, and where to ask', async () => {
  const service = await createOcspService();
  const { ca, responderCertificate } = service;
  const folder = await OpensslFolder.create();
  await folder.writeCertificates('ca.pem', ca.certificate);
  await folder.writeCertificates('responder.pem', responderCertificate);
  const { said } = await folder.openssl('x509', '-in', 'responder.pem', '-noout', '-purpose', '-text');
  expect(said).toContain('OCSP helper : Yes');
  expect(said).toContain('OCSP No Check');
  await folder.writeCertificates('agent.pem', await service.issue());
  const { said: uri } = await folder.openssl('x509', '-in', 'agent.pem', '-noout', '-ocsp_uri');
  expect(uri.trim()).toBe('http://ocsp.contoso.example/');
  const strict = await folder.openssl('verify', '-x509_strict', '-CAfile', 'ca.pem', 'responder.pem');
  expect(strict).toEqual({ status: 0, said: 'responder.pem: OK\n' });
});

async function issueResponder(ca: CertificationAuthority): Promise<Certificate> {
  const request = await createCertificationRequest(await softwareKey('p256'));
  return ca.issueForOperator(request, { profile: 'ocsp-responder', subject: caName });
}
