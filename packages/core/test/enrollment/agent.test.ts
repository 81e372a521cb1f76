import {
  CertificationAuthority,
  createCertificationRequest,
  createRootCertificate,
  MemoryLedger,
  Name,
  RegistrationAuthority,
} from '@countersign/core';
import { expect, test } from 'vitest';
import {
  caName,
  countersignAs,
  countersignForAlice,
  createEnrollment,
  issueAgent,
  now,
} from './enrollment-fixture.ts';
import { hex } from './der.ts';
import { refusal } from './refusal.ts';
import { refusedByCa } from './refused-by-ca.ts';
import { softwareKey } from './software-key.ts';

const chaining = { symbol: 'CERT_E_CHAINING', hresult: 0x800b010a };
const rejected = { symbol: 'CERTSRV_E_SIGNATURE_REJECTED', hresult: 0x8009480b };
const badSignature = { symbol: 'NTE_BAD_SIGNATURE', hresult: 0x80090006 };

test('a plain request is not countersigned', async () => {
  const enrollment = await createEnrollment();
  const error = await refusedByCa(enrollment, await createCertificationRequest(enrollment.aliceKey));
  expect(error.code).toBe('REQUEST_NOT_COUNTERSIGNED');
  expect(error.adcs).toEqual({ symbol: 'CERTSRV_E_SIGNATURE_POLICY_REQUIRED', hresult: 0x80094809 });
});

test("another agent's certificate does not hold for this agent's signature", async () => {
  const enrollment = await createEnrollment();
  const other = await issueAgent(enrollment.ca, await softwareKey('p256'));
  const error = await refusedByCa(enrollment, await countersignAs(enrollment, enrollment.agentKey, other));
  expect([error.code, error.adcs]).toEqual(['SIGNATURE_INVALID', badSignature]);
});

test('a certificate without the purpose of an enrollment agent countersigns nothing', async () => {
  const enrollment = await createEnrollment();
  const { ca, aliceKey, caKey } = enrollment;
  const logon = await ca.issue(await countersignForAlice(enrollment));
  const kdcKey = await softwareKey('p256');
  const kdc = await ca.issueForOperator(await createCertificationRequest(kdcKey), {
    profile: 'kdc',
    realm: 'CONTOSO.EXAMPLE',
    hostName: 'dc1.contoso.example',
  });
  for (const [key, certificate] of [
    [aliceKey, logon],
    [kdcKey, kdc],
    [caKey, ca.certificate],
  ] as const) {
    const error = await refusedByCa(enrollment, await countersignAs(enrollment, key, certificate));
    expect([error.code, error.adcs]).toEqual(['AGENT_NOT_AUTHORIZED', rejected]);
    const options = { key, certificate, directory: enrollment.directory };
    const refused = await refusal(() => new RegistrationAuthority(options));
    expect([refused.code, refused.adcs]).toEqual(['AGENT_NOT_AUTHORIZED', rejected]);
  }
});

test('an RA with a certificate for another key is refused at once', async () => {
  const { agentCertificate, directory } = await createEnrollment();
  const key = await softwareKey('p256');
  const error = await refusal(
    () => new RegistrationAuthority({ key, certificate: agentCertificate, directory }),
  );
  expect(error.code).toBe('CERTIFICATE_KEY_MISMATCH');
});

test('an RA whose key cannot make CMS signatures says so', async () => {
  const enrollment = await createEnrollment({ agent: 'ed25519' });
  const error = await refusal(async () => countersignForAlice(enrollment));
  expect(error.code).toBe('SCHEME_NOT_SUPPORTED');
});

test('an agent of another CA that calls itself the same is not trusted', async () => {
  const enrollment = await createEnrollment();
  const impostor = await createEnrollment();
  expect(impostor.ca.certificate.subject.equals(enrollment.ca.certificate.subject)).toBe(true);
  const countersigned = await countersignAs(enrollment, impostor.agentKey, impostor.agentCertificate);
  const error = await refusedByCa(enrollment, countersigned);
  expect([error.code, error.adcs]).toEqual(['CERTIFICATE_NOT_TRUSTED', chaining]);
});

test('an agent of another CA is not trusted though both CAs keep one ledger', async () => {
  const enrollment = await createEnrollment();
  const { caOptions, agentKey } = enrollment;
  const key = await softwareKey('p256');
  // Once under the same name and another key, once under another name and the same key.
  for (const [signer, name] of [
    [key, caName],
    [enrollment.caKey, Name.fromString('CN=Another CA')],
  ] as const) {
    const certificate = await createRootCertificate(signer, name, now);
    const other = new CertificationAuthority({ ...caOptions, key: signer, certificate });
    const agent = await issueAgent(other, agentKey);
    expect((await enrollment.ledger.find(agent.serialNumber))?.certificate).toEqual(agent.der);
    const error = await refusedByCa(enrollment, await countersignAs(enrollment, agentKey, agent));
    expect([error.code, error.adcs]).toEqual(['CERTIFICATE_NOT_TRUSTED', chaining]);
    await other.issue(await countersignAs(enrollment, agentKey, agent));
  }
});

test("an agent certificate that bears this CA's signature and is not in its ledger is not trusted", async () => {
  const enrollment = await createEnrollment();
  const { caOptions, agentKey } = enrollment;
  const elsewhere = new CertificationAuthority({ ...caOptions, ledger: new MemoryLedger() });
  const unrecorded = await issueAgent(elsewhere, agentKey);
  expect(unrecorded.isIssuedBy(enrollment.ca.certificate)).toBe(true);
  const error = await refusedByCa(enrollment, await countersignAs(enrollment, agentKey, unrecorded));
  expect([error.code, error.adcs]).toEqual(['CERTIFICATE_NOT_TRUSTED', chaining]);
});

test('a revoked agent countersigns nothing any more, for whatever reason it was revoked', async () => {
  for (const reason of ['keyCompromise', 'certificateHold', 'unspecified'] as const) {
    const enrollment = await createEnrollment();
    const { ca, agentCertificate } = enrollment;
    const countersigned = await countersignForAlice(enrollment);
    await ca.revoke(agentCertificate.serialNumber, reason);
    const error = await refusedByCa(enrollment, countersigned);
    expect(error.code).toBe('CERTIFICATE_REVOKED');
    expect(error.adcs).toEqual({ symbol: 'CRYPT_E_REVOKED', hresult: 0x80092010 });
    expect(error.message).toContain(reason);
  }
});

test('revoking one agent leaves the other in office', async () => {
  const enrollment = await createEnrollment();
  const { ca, agentKey, agentCertificate } = enrollment;
  const second = await issueAgent(ca, agentKey);
  await ca.revoke(agentCertificate.serialNumber, 'superseded');
  const certificate = await ca.issue(await countersignAs(enrollment, agentKey, second));
  expect((await enrollment.ledger.find(certificate.serialNumber))?.agentSerialNumber).toBe(
    second.serialNumber,
  );
});

test('two countersignatures of the same agent differ in nothing but requester, request and signature', async () => {
  const enrollment = await createEnrollment();
  const first = await countersignForAlice(enrollment);
  const second = await countersignForAlice(enrollment);
  expect(hex(first)).not.toBe(hex(second));
  await enrollment.ca.issue(first);
  await enrollment.ca.issue(second);
  expect(enrollment.ledger.recorded).toHaveLength(3);
});
