import {
  CertificationAuthority,
  createRootCertificate,
  RegistrationAuthority,
  type Certificate,
} from '@countersign/core';
import { expect, test } from 'vitest';
import { der, nullValue, octets, oid, sequence } from './der.ts';
import { caName, countersignAs, createEnrollment, now } from './enrollment-fixture.ts';
import { agentWith, assembleCertificate, extension, keyUsage } from './assemble-certificate.ts';
import { refusal } from './refusal.ts';
import { refusedByCa } from './refused-by-ca.ts';
import { softwareKey } from './software-key.ts';

const chaining = { symbol: 'CERT_E_CHAINING', hresult: 0x800b010a };
const rejected = { symbol: 'CERTSRV_E_SIGNATURE_REJECTED', hresult: 0x8009480b };

const digitalSignature = keyUsage(7, 0x80);
const requestAgent = extension('2.5.29.37', sequence(oid('1.3.6.1.4.1.311.20.2.1')));

test.each([
  ['any purpose', [digitalSignature, extension('2.5.29.37', sequence(oid('2.5.29.37.0')))]],
  ['no purpose', [digitalSignature]],
  ['no key usage', [requestAgent]],
  ['a key usage without signatures', [requestAgent, keyUsage(5, 0x20)]],
  [
    'the powers of a CA',
    [digitalSignature, requestAgent, extension('2.5.29.19', sequence(der(0x01, Uint8Array.of(0xff))))],
  ],
])(
  "an agent's certificate that states %s is refused, though this CA signed and recorded it",
  async (_, extensions) => {
    const enrollment = await createEnrollment();
    const { agentKey, directory } = enrollment;
    const certificate = await agentWith(enrollment, extensions);
    const error = await refusedByCa(enrollment, await countersignAs(enrollment, agentKey, certificate));
    expect([error.code, error.adcs]).toEqual(['AGENT_NOT_AUTHORIZED', rejected]);
    const options = { key: agentKey, certificate, directory };
    expect((await refusal(() => new RegistrationAuthority(options))).code).toBe('AGENT_NOT_AUTHORIZED');
  },
);

test('a critical extension that is unknown here makes an agent certificate unusable (RFC 5280 4.2)', async () => {
  const enrollment = await createEnrollment();
  const plain = await agentWith(enrollment, [digitalSignature, requestAgent]);
  await enrollment.ca.issue(await countersignAs(enrollment, enrollment.agentKey, plain));
  const unknown = sequence(oid('1.2.3.4'), der(0x01, Uint8Array.of(0xff)), octets(nullValue()));
  const certificate = await agentWith(enrollment, [digitalSignature, requestAgent, unknown]);
  const error = await refusedByCa(
    enrollment,
    await countersignAs(enrollment, enrollment.agentKey, certificate),
  );
  expect([error.code, error.adcs]).toEqual(['CERTIFICATE_NOT_TRUSTED', chaining]);
  expect(error.message).toContain('1.2.3.4');
});

test("an agent certificate with this CA's signature that was reserved and never recorded is not trusted", async () => {
  const enrollment = await createEnrollment();
  const { agentKey, ledger } = enrollment;
  const certificate = await agentWith(enrollment, [digitalSignature, requestAgent], 'reserved');
  const error = await refusedByCa(enrollment, await countersignAs(enrollment, agentKey, certificate));
  expect([error.code, error.adcs]).toEqual(['CERTIFICATE_NOT_TRUSTED', chaining]);
  await ledger.record(certificate.serialNumber, certificate.der);
  await enrollment.ca.issue(await countersignAs(enrollment, agentKey, certificate));
});

test("an agent certificate with this CA's signature is not trusted if the ledger has another of its number", async () => {
  const enrollment = await createEnrollment();
  const { agentKey, agentCertificate, ca, caKey } = enrollment;
  const certificate = await assembleCertificate(
    agentCertificate,
    caKey,
    agentCertificate.serialNumberOctets,
    [digitalSignature, requestAgent],
  );
  expect(certificate.isIssuedBy(ca.certificate)).toBe(true);
  const error = await refusedByCa(enrollment, await countersignAs(enrollment, agentKey, certificate));
  expect([error.code, error.adcs]).toEqual(['CERTIFICATE_NOT_TRUSTED', chaining]);
});

test('a CA takes only its own certificate, and one that may sign certificates and CRLs', async () => {
  const enrollment = await createEnrollment();
  const { caOptions, caKey, agentKey, agentCertificate } = enrollment;
  const cA = extension('2.5.29.19', sequence(der(0x01, Uint8Array.of(0xff))));
  const rootWith = async (...extensions: readonly Uint8Array[]): Promise<Certificate> =>
    assembleCertificate(caOptions.certificate, caKey, Uint8Array.of(0x41), extensions);
  const otherRoot = await createRootCertificate(await softwareKey('p256'), caName, now);
  for (const [key, certificate, found] of [
    [agentKey, agentCertificate, 'basicConstraints'],
    [caKey, otherRoot, 'does not certify the key'],
    [caKey, await rootWith(cA), 'keyUsage'],
    // keyCertSign alone, cRLSign alone, digitalSignature.
    [caKey, await rootWith(cA, keyUsage(2, 0x04)), 'keyUsage'],
    [caKey, await rootWith(cA, keyUsage(1, 0x02)), 'keyUsage'],
    [caKey, await rootWith(cA, keyUsage(7, 0x80)), 'keyUsage'],
    [caKey, await rootWith(keyUsage(1, 0x06)), 'basicConstraints'],
  ] as const) {
    const error = await refusal(() => new CertificationAuthority({ ...caOptions, key, certificate }));
    expect(error.code).toBe('ISSUER_NOT_ACCEPTABLE');
    expect(error.message).toContain(found);
  }
  const certificate = await rootWith(cA, keyUsage(1, 0x06));
  expect(new CertificationAuthority({ ...caOptions, certificate }).certificate).toBe(certificate);
});
