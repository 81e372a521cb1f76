import {
  CertificationAuthority,
  CountersignError,
  createCertificationRequest,
  createRootCertificate,
  RegistrationAuthority,
  verifyAuditChain,
  type Key,
} from '@countersign/core';
import { expect, test } from 'vitest';
import { hex } from './der.ts';
import { alice, caName, countersignForAlice, createEnrollment, now } from './enrollment-fixture.ts';
import { softwareKey } from './software-key.ts';

const outage = new CountersignError('LEDGER_UNAVAILABLE', 'the disk is full', 'Make room.');
const fault = new Error('the token was pulled');

test('a ledger that cannot be asked whether the agent was revoked means no certificate', async () => {
  const enrollment = await createEnrollment();
  const { ca, ledger } = enrollment;
  const countersigned = await countersignForAlice(enrollment);
  ledger.failAt('find', outage);
  await expect(ca.issue(countersigned)).rejects.toBe(outage);
  expect(ledger.reservations).toHaveLength(1);
  ledger.recover();
  await ca.issue(countersigned);
});

test('a ledger that cannot reserve means that nothing is signed', async () => {
  const enrollment = await createEnrollment();
  const { caKey, caOptions, ledger } = enrollment;
  const countersigned = await countersignForAlice(enrollment);
  const { key, signed } = countingKey(caKey);
  const ca = new CertificationAuthority({ ...caOptions, key });
  ledger.failAt('reserve', outage);
  await expect(ca.issue(countersigned)).rejects.toBe(outage);
  expect(signed).toEqual([]);
  expect((await ledger.audit()).at(-1)).toMatchObject({
    event: 'request-refused',
    details: { code: 'LEDGER_UNAVAILABLE' },
  });
  ledger.recover();
  await ca.issue(countersigned);
  expect(signed).toHaveLength(1);
});

test('a ledger that cannot record returns nothing, and what was signed is revoked', async () => {
  const enrollment = await createEnrollment();
  const { caKey, caOptions, ledger } = enrollment;
  const countersigned = await countersignForAlice(enrollment);
  const { key, signed } = countingKey(caKey);
  const ca = new CertificationAuthority({ ...caOptions, key });
  ledger.failAt('record', outage);
  await expect(ca.issue(countersigned)).rejects.toBe(outage);
  expect(signed).toHaveLength(1);
  ledger.recover();
  const { serialNumber = '' } = ledger.reservations.at(-1) ?? {};
  const entry = await ledger.find(serialNumber);
  expect(entry).toMatchObject({
    certificate: undefined,
    revocation: { reason: 'cessationOfOperation' },
    subject: alice.account,
  });
  expect(hex(entry?.tbsCertificate)).toBe(hex(signed[0]));
  expect((await ledger.beginCrl(now)).revoked).toMatchObject([{ serialNumber }]);
  // It may have left the key as a signature; whoever asked makes a new request.
  await expect(ca.issue(countersigned)).rejects.toMatchObject({ code: 'REQUEST_REPLAYED' });
});

test('an audit trail that cannot be written means that nothing is recorded and nothing handed out', async () => {
  const enrollment = await createEnrollment();
  const { ca, ledger } = enrollment;
  const countersigned = await countersignForAlice(enrollment);
  ledger.failAt('appendAudit', outage, 'certificate-issued');
  await expect(ca.issue(countersigned)).rejects.toBe(outage);
  ledger.recover();
  const { serialNumber = '' } = ledger.reservations.at(-1) ?? {};
  expect((await ledger.find(serialNumber))?.certificate).toBeUndefined();
  expect((await ledger.audit()).at(-1)).toMatchObject({
    event: 'request-refused',
    details: { code: 'LEDGER_UNAVAILABLE' },
  });
  expect((await ledger.beginCrl(now)).revoked).toMatchObject([{ serialNumber }]);
  expect(await verifyAuditChain(ledger.readAudit())).toMatchObject({ count: 3 });
});

test('an audit trail that cannot be written means that nothing is revoked', async () => {
  const { ca, ledger, agentCertificate } = await createEnrollment();
  ledger.failAt('appendAudit', outage, 'certificate-revoked');
  await expect(ca.revoke(agentCertificate.serialNumber, 'keyCompromise')).rejects.toBe(outage);
  ledger.recover();
  expect((await ledger.find(agentCertificate.serialNumber))?.revocation).toBeUndefined();
});

test('a refusal that the audit trail cannot hold is reported as that', async () => {
  const enrollment = await createEnrollment();
  const { ca, ledger, aliceKey } = enrollment;
  ledger.failAt('appendAudit', outage);
  await expect(ca.issue(await createCertificationRequest(aliceKey))).rejects.toBe(outage);
  ledger.recover();
  expect(ledger.recorded).toHaveLength(1);
});

test("a CA key that fails to sign leaves a reservation without a certificate, and the key's own error", async () => {
  const enrollment = await createEnrollment();
  const { caOptions, caKey, ledger } = enrollment;
  const countersigned = await countersignForAlice(enrollment);
  const key: Key = { ...caKey, sign: async () => Promise.reject(fault) };
  const ca = new CertificationAuthority({ ...caOptions, key });
  await expect(ca.issue(countersigned)).rejects.toBe(fault);
  expect(ledger.recorded).toHaveLength(1);
  const { serialNumber = '' } = ledger.reservations.at(-1) ?? {};
  expect((await ledger.find(serialNumber))?.certificate).toBeUndefined();
  expect((await ledger.audit()).at(-1)).toMatchObject({
    event: 'request-refused',
    details: { code: 'UNEXPECTED' },
  });
  expect((await ledger.find(serialNumber))?.revocation?.reason).toBe('cessationOfOperation');
});

test.each([
  ['nothing', () => new Uint8Array()],
  ['zeros', () => new Uint8Array(70)],
  ['a signature with a bit flipped', flipped],
])('a CA key that answers with %s hands out no certificate', async (_, spoil) => {
  const enrollment = await createEnrollment();
  const { caOptions, caKey, ledger } = enrollment;
  const countersigned = await countersignForAlice(enrollment);
  const key: Key = {
    ...caKey,
    sign: async (scheme, message) => spoil(await caKey.sign(scheme, message)),
  };
  const ca = new CertificationAuthority({ ...caOptions, key });
  await expect(ca.issue(countersigned)).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
  expect(ledger.recorded).toHaveLength(1);
  const withdrawn = ledger.reservations.at(-1)?.serialNumber ?? '';
  expect((await ledger.find(withdrawn))?.revocation?.reason).toBe('cessationOfOperation');
  expect((await ledger.audit()).map(({ event }) => event).slice(-2)).toEqual([
    'issuance-failed',
    'request-refused',
  ]);
});

test("an agent's or a requester's key that fails to sign passes its error on", async () => {
  const { agentKey, agentCertificate, directory, clock, aliceKey } = await createEnrollment();
  const sign = async (): Promise<Uint8Array> => Promise.reject(fault);
  await expect(createCertificationRequest({ ...aliceKey, sign })).rejects.toBe(fault);
  const ra = new RegistrationAuthority({
    key: { ...agentKey, sign },
    certificate: agentCertificate,
    directory,
    clock: () => clock.now,
  });
  const request = await createCertificationRequest(aliceKey);
  await expect(ra.countersign(request, alice.upn)).rejects.toBe(fault);
  await expect(createRootCertificate({ ...agentKey, sign }, caName, now)).rejects.toBe(fault);
});

test('a key without a signature scheme is refused wherever it should sign', async () => {
  const { caOptions, caKey, agentKey, agentCertificate, directory, aliceKey } = await createEnrollment();
  const mute = { schemes: [] };
  const refusals = [
    async () => createCertificationRequest({ ...aliceKey, ...mute }),
    async () => createRootCertificate({ ...caKey, ...mute }, caName, now),
    async () =>
      Promise.resolve().then(() => new CertificationAuthority({ ...caOptions, key: { ...caKey, ...mute } })),
    async () =>
      Promise.resolve().then(
        () =>
          new RegistrationAuthority({
            key: { ...agentKey, ...mute },
            certificate: agentCertificate,
            directory,
          }),
      ),
  ];
  for (const work of refusals) await expect(work()).rejects.toMatchObject({ code: 'SCHEME_NOT_SUPPORTED' });
});

test('a key that gives out a public key which is none makes no request', async () => {
  const key = await softwareKey('p256');
  const publicKey = Uint8Array.from(key.publicKey);
  // Off the curve.
  publicKey.set([(publicKey.at(-1) ?? 0) ^ 1], publicKey.length - 1);
  await expect(createCertificationRequest({ ...key, publicKey })).rejects.toMatchObject({
    code: 'KEY_POINT_INVALID',
  });
});

test('a failing revocation or CRL changes nothing and says so', async () => {
  const { ca, ledger, agentCertificate } = await createEnrollment();
  const { serialNumber } = agentCertificate;
  ledger.failAt('revoke', outage);
  await expect(ca.revoke(serialNumber, 'superseded')).rejects.toBe(outage);
  ledger.failAt('beginCrl', outage);
  await expect(ca.createCrl()).rejects.toBe(outage);
  ledger.recover();
  for (const method of ['recordCrl', 'appendAudit'] as const) {
    ledger.failAt(method, outage);
    await expect(ca.createCrl()).rejects.toBe(outage);
    ledger.recover();
  }
  expect((await ledger.find(serialNumber))?.revocation).toBeUndefined();
  expect(await ledger.audit()).toHaveLength(1);
});

function flipped(signature: Uint8Array): Uint8Array {
  return signature.with(signature.length - 1, (signature.at(-1) ?? 0) ^ 1);
}

function countingKey(key: Key): { readonly key: Key; readonly signed: readonly Uint8Array[] } {
  const signed: Uint8Array[] = [];
  return {
    signed,
    key: {
      ...key,
      sign: async (scheme, message) => {
        signed.push(message);
        return key.sign(scheme, message);
      },
    },
  };
}
