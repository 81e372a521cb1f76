import { createCertificationRequest, Name, type Key, type OperatorOrder } from '@countersign/core';
import { expect, test } from 'vitest';
import { alice, bob, countersignForAlice, createEnrollment, type Enrollment } from './enrollment-fixture.ts';
import { refusedByCa } from './refused-by-ca.ts';
import { softwareKey } from './software-key.ts';

const badSubject = { symbol: 'CERTSRV_E_BAD_REQUESTSUBJECT', hresult: 0x80094001 };
const agent = { profile: 'enrollment-agent', subject: Name.fromString('CN=First Agent') } as const;

test('a key that was certified for one user is certified for that user again, and for no other', async () => {
  const enrollment = await createEnrollment();
  const { ca, directory, aliceKey, ledger } = enrollment;
  const first = await ca.issue(await countersignForAlice(enrollment));
  await ca.issue(await countersignForAlice(enrollment));
  directory.setKeys(alice.upn);
  directory.setKeys(bob.upn, aliceKey);
  const error = await refusedByCa(enrollment, await countersignForBob(enrollment, aliceKey));
  expect([error.code, error.adcs]).toEqual(['KEY_CERTIFIED_FOR_ANOTHER', badSubject]);
  expect(error.message).toContain(first.publicKey.keyId);
  expect(ledger.recorded).toHaveLength(3);
});

test('that the first certificate was revoked, or has expired, does not set its key free', async () => {
  const enrollment = await createEnrollment();
  const { ca, clock, directory, aliceKey } = enrollment;
  const { serialNumber, notAfter } = await ca.issue(await countersignForAlice(enrollment));
  await ca.revoke(serialNumber, 'superseded');
  directory.setKeys(alice.upn);
  directory.setKeys(bob.upn, aliceKey);
  clock.now = new Date(notAfter.getTime() + 1);
  const error = await refusedByCa(enrollment, await countersignForBob(enrollment, aliceKey));
  expect(error.code).toBe('KEY_CERTIFIED_FOR_ANOTHER');
});

test('an owner is known by the SID, whatever its names are by now', async () => {
  const enrollment = await createEnrollment();
  const { ca, directory, ledger } = enrollment;
  await ca.issue(await countersignForAlice(enrollment));
  const renamed = {
    distinguishedName: 'CN=Alice Married,DC=contoso,DC=example',
    upn: 'married@contoso.example',
  };
  directory.change(alice.upn, renamed);
  const { ra, aliceKey } = enrollment;
  const request = await createCertificationRequest(aliceKey);
  const certificate = await ca.issue((await ra.countersign(request, renamed.upn)).der);
  expect(certificate.subject.toString()).toBe(renamed.distinguishedName);
  expect((await ledger.find(certificate.serialNumber))?.keyOwner).toBe(alice.sid);
});

test('an account that took over the names of another does not take over its key', async () => {
  const enrollment = await createEnrollment();
  const { ca, directory } = enrollment;
  await ca.issue(await countersignForAlice(enrollment));
  directory.change(alice.upn, { sid: `${alice.sid}7` });
  const error = await refusedByCa(enrollment, await countersignForAlice(enrollment));
  expect(error.code).toBe('KEY_CERTIFIED_FOR_ANOTHER');
});

test.each<[string, OperatorOrder, boolean]>([
  ['the same agent', agent, true],
  ['a responder of the same name', { profile: 'ocsp-responder', subject: agent.subject }, true],
  ['another agent', { ...agent, subject: Name.fromString('CN=Second Agent') }, false],
  ['a responder of another name', { profile: 'ocsp-responder', subject: Name.fromString('CN=OCSP') }, false],
  ['a KDC', { profile: 'kdc', realm: 'CONTOSO.EXAMPLE', hostName: 'dc1.contoso.example' }, false],
])('a key of an agent and %s', async (_, order, isSameOwner) => {
  const enrollment = await createEnrollment();
  const { ca } = enrollment;
  const key = await softwareKey('p256');
  await ca.issueForOperator(await createCertificationRequest(key), agent);
  const request = await createCertificationRequest(key);
  if (isSameOwner) {
    const certificate = await ca.issueForOperator(request, order);
    expect(certificate.subject.equals(agent.subject)).toBe(true);
  } else {
    expect((await refusedByCa(enrollment, request, order)).code).toBe('KEY_CERTIFIED_FOR_ANOTHER');
  }
});

test('a user’s key is no service’s, and a service’s no user’s', async () => {
  const enrollment = await createEnrollment();
  const { ca, aliceKey } = enrollment;
  await ca.issue(await countersignForAlice(enrollment));
  const toService = await createCertificationRequest(aliceKey);
  expect((await refusedByCa(enrollment, toService, agent)).code).toBe('KEY_CERTIFIED_FOR_ANOTHER');

  const key = await softwareKey('p256');
  await ca.issueForOperator(await createCertificationRequest(key), agent);
  enrollment.directory.setKeys(bob.upn, key);
  const toUser = await countersignForBob(enrollment, key);
  expect((await refusedByCa(enrollment, toUser)).code).toBe('KEY_CERTIFIED_FOR_ANOTHER');
});

async function countersignForBob({ ra }: Enrollment, key: Key): Promise<Uint8Array> {
  return (await ra.countersign(await createCertificationRequest(key), bob.upn)).der;
}
