import { CertificationAuthority, createRootCertificate, RegistrationAuthority } from '@countersign/core';
import { expect, test } from 'vitest';
import {
  caName,
  countersignForAlice,
  createEnrollment,
  issueAgent,
  now,
  type Enrollment,
} from './enrollment-fixture.ts';
import { refusal } from './refusal.ts';
import { refusedByCa } from './refused-by-ca.ts';
import { softwareKey } from './software-key.ts';

test('validity begins ten minutes before issuance and lasts a year, both ends counted', async () => {
  const enrollment = await createEnrollment();
  const certificate = await enrollment.ca.issue(await countersignForAlice(enrollment));
  expect(certificate.notBefore.toISOString()).toBe('2026-03-04T04:56:07.000Z');
  expect(certificate.notAfter.toISOString()).toBe('2027-03-04T04:56:06.000Z');
});

test('an enrollment agent has two years, a CA ten', async () => {
  const { agentCertificate, ca } = await createEnrollment();
  expect(agentCertificate.notAfter.toISOString()).toBe('2028-03-04T04:56:06.000Z');
  expect(ca.certificate.notBefore.toISOString()).toBe('2026-03-04T04:56:07.000Z');
  expect(ca.certificate.notAfter.toISOString()).toBe('2036-03-04T04:56:06.000Z');
});

test('no certificate outlives its issuer', async () => {
  const enrollment = await createEnrollment();
  const { notAfter } = enrollment.ca.certificate;
  const late = await withAgentIssuedAt(enrollment, new Date('2035-06-01T00:00:00Z'));
  expect(late.agentCertificate.notAfter).toEqual(notAfter);
  const certificate = await late.ca.issue(await countersignForAlice(late));
  expect(certificate.notAfter).toEqual(notAfter);
});

test('no certificate is valid before its issuer is', async () => {
  const enrollment = await createEnrollment();
  enrollment.clock.now = new Date(enrollment.ca.certificate.notBefore.getTime() + 1000);
  const early = await issueAgent(enrollment.ca, await softwareKey('p256'));
  expect(early.notBefore).toEqual(enrollment.ca.certificate.notBefore);
});

test.each([
  // 2028 is a leap year: a year from 29 February ends with 28 February.
  ['2028-02-29T12:00:00Z', '2028-02-29T11:50:00.000Z', '2029-03-01T11:49:59.000Z'],
  ['2027-12-31T23:59:59Z', '2027-12-31T23:49:59.000Z', '2028-12-31T23:49:58.000Z'],
])('issued at %s: valid from %s to %s', async (at, notBefore, notAfter) => {
  const enrollment = await withAgentIssuedAt(await createEnrollment(), new Date(at));
  const certificate = await enrollment.ca.issue(await countersignForAlice(enrollment));
  expect(certificate.notBefore.toISOString()).toBe(notBefore);
  expect(certificate.notAfter.toISOString()).toBe(notAfter);
});

test('from 2050 on, times are GeneralizedTime and still read back', async () => {
  const key = await softwareKey('p256');
  const root = await createRootCertificate(key, caName, new Date('2045-01-01T00:00:00Z'));
  expect(root.notBefore.toISOString()).toBe('2044-12-31T23:50:00.000Z');
  expect(root.notAfter.toISOString()).toBe('2054-12-31T23:49:59.000Z');
  const text = Buffer.from(root.tbsCertificate).toString('latin1');
  expect(text).toContain('\x17\r441231235000Z\x18\x0f20541231234959Z');
});

test('an expired CA issues nothing, not even by order of its operator', async () => {
  const { ca, clock, ledger } = await createEnrollment();
  clock.now = new Date(ca.certificate.notAfter.getTime() + 1);
  const error = await refusal(async () => issueAgent(ca, await softwareKey('p256')));
  expect(error.code).toBe('CERTIFICATE_EXPIRED');
  expect(error.adcs).toEqual({ symbol: 'CERT_E_EXPIRED', hresult: 0x800b0101 });
  expect(error.message).toContain('CA');
  expect(ledger.reservations).toHaveLength(1);
  expect((await ledger.audit()).at(-1)).toMatchObject({
    event: 'request-refused',
    details: { code: 'CERTIFICATE_EXPIRED' },
  });
});

test('a CA whose certificate is not valid yet issues nothing', async () => {
  const { ca, clock, ledger } = await createEnrollment();
  clock.now = new Date(ca.certificate.notBefore.getTime() - 1);
  const error = await refusal(async () => issueAgent(ca, await softwareKey('p256')));
  expect(error.code).toBe('CERTIFICATE_NOT_YET_VALID');
  expect(ledger.reservations).toHaveLength(1);
});

test('the last instant of an agent certificate still counts, the next does not', async () => {
  const enrollment = await createEnrollment();
  const { agentCertificate, ca, clock, ra } = enrollment;
  clock.now = agentCertificate.notAfter;
  const countersigned = await countersignForAlice(enrollment);
  clock.now = new Date(agentCertificate.notAfter.getTime() + 1);
  const error = await refusedByCa(enrollment, countersigned);
  expect(error.code).toBe('CERTIFICATE_EXPIRED');
  expect(error.adcs).toEqual({ symbol: 'CERT_E_EXPIRED', hresult: 0x800b0101 });
  // The RA does not use it either.
  expect((await refusal(async () => countersignForAlice(enrollment))).code).toBe('CERTIFICATE_EXPIRED');
  clock.now = agentCertificate.notAfter;
  expect((await ca.issue(countersigned)).notAfter > agentCertificate.notAfter).toBe(true);
  expect(ra).toBeInstanceOf(RegistrationAuthority);
});

test('an agent certificate that is not valid yet signs nothing that counts', async () => {
  const enrollment = await createEnrollment();
  const { clock } = enrollment;
  const later = await withAgentIssuedAt(enrollment, new Date('2026-06-01T00:00:00Z'));
  const countersigned = await countersignForAlice(later);
  clock.now = new Date(later.agentCertificate.notBefore.getTime() - 1);
  const error = await refusedByCa(later, countersigned);
  expect(error.code).toBe('CERTIFICATE_NOT_YET_VALID');
  expect(error.adcs).toEqual({ symbol: 'CERT_E_EXPIRED', hresult: 0x800b0101 });
  expect((await refusal(async () => countersignForAlice(later))).code).toBe('CERTIFICATE_NOT_YET_VALID');
  clock.now = later.agentCertificate.notBefore;
  await later.ca.issue(countersigned);
});

test('a CA without a clock of its own goes by the time of the machine', async () => {
  const enrollment = await createEnrollment();
  const { clock: _, ...options } = enrollment.caOptions;
  const certificate = await createRootCertificate(enrollment.caKey, caName, new Date());
  const ca = new CertificationAuthority({ ...options, certificate });
  const before = Date.now();
  const agent = await issueAgent(ca, await softwareKey('p256'));
  // A root made now, or a moment ago: its own beginning is the earliest.
  expect(agent.notBefore.getTime()).toBeGreaterThanOrEqual(certificate.notBefore.getTime());
  expect(agent.notBefore.getTime()).toBeLessThanOrEqual(before);
  expect(before).not.toBe(now.getTime());
});

/** The same CA some time later, with a fresh agent. */
async function withAgentIssuedAt(enrollment: Enrollment, at: Date): Promise<Enrollment> {
  enrollment.clock.now = at;
  const agentCertificate = await issueAgent(enrollment.ca, enrollment.agentKey);
  const { agentKey, directory, clock } = enrollment;
  const ra = new RegistrationAuthority({
    key: agentKey,
    certificate: agentCertificate,
    directory,
    clock: () => clock.now,
  });
  return { ...enrollment, agentCertificate, ra };
}
