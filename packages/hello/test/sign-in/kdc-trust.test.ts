import { CertificateList, type Certificate, type Extension, type Key } from '@countersign/core';
import type { KdcTrust } from '@countersign/hello/sign-in';
import { beforeAll, expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { aliceSignsIn, enrollAlice, type Enrolled } from './alice-signs-in.ts';
import { certificateByHand, extendedKeyUsage, keyUsage } from './certificate-by-hand.ts';
import { generateExportableKey } from '@countersign/hello/trial-domain';
import { forgeReply, type KdcIdentity } from './forged-reply.ts';
import { startMitKdc } from './mit-kdc.ts';
import { startPkinitKdc } from './scripted-kdc.ts';
import { createTestPki, kdcHost } from './test-pki.ts';

const kdcPurpose = '1.3.6.1.5.2.3.5';
const serverAuth = '1.3.6.1.5.5.7.3.1';
const subjectAltName = '2.5.29.17';

let enrolled: Enrolled;

beforeAll(async () => {
  enrolled = await enrollAlice();
});

test('a real KDC with a certificate of another CA is not trusted', async () => {
  const other = await createTestPki(new Date(), 'CN=Other CA');
  const kdc = await startMitKdc({
    ...(await other.issueKdc()),
    anchors: [enrolled.pki.caCertificate, other.caCertificate],
  });
  const error = await refusal(aliceSignsIn(enrolled, kdc.address), 'KDC_NOT_TRUSTED');
  expect(error.cause).toMatchObject({ code: 'PATH_NOT_FOUND' });
  await aliceSignsIn(enrolled, kdc.address, { kdcTrust: { trustAnchors: [other.caCertificate] } });
});

test('a real KDC with a certificate for another realm is not trusted', async () => {
  const identity = await enrolled.pki.issueKdc({ realm: 'OTHER.TEST' });
  const kdc = await startMitKdc({ ...identity, anchors: [enrolled.pki.caCertificate] });
  const error = await refusal(aliceSignsIn(enrolled, kdc.address), 'KDC_NOT_TRUSTED');
  expect(error.message).toContain('krbtgt/OTHER.TEST@OTHER.TEST');
});

test('a real KDC with a certificate for something else is not trusted', async () => {
  const key = await generateExportableKey('rsa2048');
  const certificate = await kdcCertificate(key, [extendedKeyUsage(serverAuth)]);
  const kdc = await startMitKdc({ certificate, key, anchors: [enrolled.pki.caCertificate] });
  const error = await refusal(aliceSignsIn(enrolled, kdc.address), 'KDC_NOT_TRUSTED');
  expect(error.cause).toMatchObject({ code: 'PURPOSE_NOT_PERMITTED' });
});

test('a CA of the same name with another key is not the anchor', async () => {
  const impostor = await createTestPki();
  const identity = await impostor.issueKdc({ key: await generateExportableKey('p256') });
  const error = await refusal(signInWith(identity), 'KDC_NOT_TRUSTED');
  expect(error.cause).toMatchObject({ code: 'SIGNATURE_INVALID' });
});

test("a reply that another key signed is not the KDC's", async () => {
  const error = await refusal(
    signInWith({ key: await generateExportableKey('p256'), certificate: enrolled.kdc.certificate }),
    'KDC_NOT_TRUSTED',
  );
  expect(error.cause).toMatchObject({ code: 'SIGNATURE_INVALID' });
});

test("a KDC whose certificate is the user's is not trusted", async () => {
  const { key, certificate } = enrolled;
  await refusal(signInWith({ key, certificate }), 'KDC_NOT_TRUSTED');
});

test('a KDC whose certificate has expired is not trusted', async () => {
  const validTo = new Date(Date.now() - 1000);
  const certificate = await kdcCertificate(enrolled.kdc.key, [extendedKeyUsage(kdcPurpose)], validTo);
  const error = await refusal(signInWith({ ...enrolled.kdc, certificate }), 'KDC_NOT_TRUSTED');
  expect(error.cause).toMatchObject({ code: 'CERTIFICATE_EXPIRED' });
});

test('a KDC whose certificate was revoked is not trusted, where CRLs are given', async () => {
  const { pki, key, certificate } = await enrollAlice();
  const identity = await pki.issueKdc({ key: await generateExportableKey('p256') });
  const signInWithCrl = async (): Promise<unknown> => {
    const kdc = await startPkinitKdc(async (asRequest) => ({
      message: await forgeReply(asRequest, identity),
    }));
    const certificateLists = [CertificateList.parse(await pki.createCrl())];
    const kdcTrust = { trustAnchors: [pki.caCertificate], certificateLists };
    return aliceSignsIn({ pki, key, certificate }, kdc, { kdcTrust });
  };
  await signInWithCrl();
  await pki.revoke(identity.certificate);
  const error = await refusal(signInWithCrl(), 'KDC_NOT_TRUSTED');
  expect(error.cause).toMatchObject({ code: 'CERTIFICATE_REVOKED' });
});

test('a KDC whose key is not for signatures is not trusted', async () => {
  const good = await kdcCertificate(enrolled.kdc.key, [keyUsage(0x80), extendedKeyUsage(kdcPurpose)]);
  await signInWith({ ...enrolled.kdc, certificate: good });
  const bad = await kdcCertificate(enrolled.kdc.key, [keyUsage(0x20), extendedKeyUsage(kdcPurpose)]);
  const error = await refusal(signInWith({ ...enrolled.kdc, certificate: bad }), 'KDC_NOT_TRUSTED');
  expect(error.message).toContain('keyEncipherment');
});

test('a host name stands in for the Kerberos name only where none is given', async () => {
  const hostOnly = await withNames(hostName(kdcHost), kdcPurpose);
  await refusal(signInWith(hostOnly), 'KDC_NOT_TRUSTED');
  await refusal(signInWith(hostOnly, { hostName: 'dc2.contoso.test' }), 'KDC_NOT_TRUSTED');
  await signInWith(hostOnly, { hostName: 'DC1.contoso.test' });
  const identity = await enrolled.pki.issueKdc({
    realm: 'OTHER.TEST',
    key: await generateExportableKey('p256'),
  });
  await refusal(signInWith(identity, { hostName: kdcHost }), 'KDC_NOT_TRUSTED');
});

test('serverAuth is taken when asked for by name, with a host name', async () => {
  const server = await withNames(hostName(kdcHost), serverAuth);
  await refusal(signInWith(server, { hostName: kdcHost }), 'KDC_NOT_TRUSTED');
  await refusal(signInWith(server, { purpose: 'serverAuth' }), 'VALUE_OUT_OF_RANGE');
  await signInWith(server, { hostName: kdcHost, purpose: 'serverAuth' });
});

test('a certificate without names, or with a Kerberos name that cannot be read, is not trusted', async () => {
  const certificate = await certificateByHand(enrolled.pki.caKey, {
    issuer: enrolled.pki.caCertificate.subject,
    subject: 'CN=KDC',
    publicKey: enrolled.kdc.key.publicKey,
    extensions: [extendedKeyUsage(kdcPurpose)],
  });
  const error = await refusal(signInWith({ ...enrolled.kdc, certificate }), 'KDC_NOT_TRUSTED');
  expect(error.message).toContain('names nothing');
  const unreadable = Buffer.from('300fa00d06062b0601050202a0030c0141', 'hex');
  await refusal(signInWith(await withNames(unreadable, kdcPurpose)), 'KDC_NOT_TRUSTED');
});

async function signInWith(identity: KdcIdentity, trust: Partial<KdcTrust> = {}): Promise<unknown> {
  const kdc = await startPkinitKdc(async (asRequest) => ({ message: await forgeReply(asRequest, identity) }));
  const kdcTrust = { trustAnchors: [enrolled.pki.caCertificate], ...trust };
  return aliceSignsIn(enrolled, kdc, { kdcTrust });
}

/** A certificate that has the names of the KDC's own, and these extensions. */
async function kdcCertificate(
  key: Key,
  extensions: readonly Extension[],
  validTo?: Date,
): Promise<Certificate> {
  const { pki, kdc } = enrolled;
  return certificateByHand(pki.caKey, {
    issuer: pki.caCertificate.subject,
    subject: 'CN=KDC',
    publicKey: key.publicKey,
    ...(validTo === undefined ? {} : { validTo }),
    extensions: [...extensions, ...kdc.certificate.extensions.filter(({ oid }) => oid === subjectAltName)],
  });
}

async function withNames(names: Uint8Array, purpose: string): Promise<KdcIdentity> {
  const { pki, kdc } = enrolled;
  const certificate = await certificateByHand(pki.caKey, {
    issuer: pki.caCertificate.subject,
    subject: 'CN=KDC',
    publicKey: kdc.key.publicKey,
    extensions: [extendedKeyUsage(purpose), { oid: subjectAltName, critical: false, value: names }],
  });
  return { key: kdc.key, certificate };
}

/** GeneralNames with one dNSName. */
function hostName(name: string): Uint8Array {
  const octets = Buffer.from(name, 'latin1');
  return Buffer.concat([Uint8Array.of(0x30, octets.length + 2, 0x82, octets.length), octets]);
}
