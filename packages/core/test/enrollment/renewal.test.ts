import {
  CertificationRequest,
  createCertificationRequest,
  renewalCertificateAttribute,
  type Key,
} from '@countersign/core';
import { expect, test } from 'vitest';
import { mirroredSignature } from './countersignature-forger.ts';
import { hex } from './der.ts';
import { alice, bob, createEnrollment, now, type Enrollment } from './enrollment-fixture.ts';
import { refusedByCa } from './refused-by-ca.ts';
import { askForRenewal, createRenewable, forgeRenewal } from './renewal-fixture.ts';
import { softwareKey } from './software-key.ts';

const day = 24 * 3_600_000;

test('the holder of a certificate has it renewed with its own signature, and no agent’s', async () => {
  const { ca, ledger, clock, aliceKey, held } = await createRenewable();
  clock.now = new Date(now.getTime() + 300 * day);
  const renewed = await ca.issue(await askForRenewal(aliceKey, held));
  expect(renewed.serialNumber).not.toBe(held.serialNumber);
  expect(renewed.notAfter.getTime()).toBeGreaterThan(held.notAfter.getTime());
  expect(renewed.subject.equals(held.subject)).toBe(true);
  expect(renewed.publicKey.equals(held.publicKey)).toBe(true);
  expect(renewed.extensions).toEqual(held.extensions);
  expect(await ledger.find(renewed.serialNumber)).toMatchObject({
    profile: 'hello-logon',
    subject: alice.account,
    agentSerialNumber: held.serialNumber,
    keyOwner: alice.sid,
    certificate: renewed.der,
  });
  expect((await ledger.audit()).at(-1)).toMatchObject({
    event: 'certificate-issued',
    details: { serialNumber: renewed.serialNumber, approvedBy: held.serialNumber },
  });
  // The old one stays good: its holder may still be signing in with it.
  expect((await ledger.find(held.serialNumber))?.revocation).toBeUndefined();
});

test('a key that was registered meanwhile may take the place of the old one', async () => {
  const { ca, directory, aliceKey, held } = await createRenewable();
  const newKey = await softwareKey('p384');
  directory.setKeys(alice.upn, aliceKey, newKey);
  const renewed = await ca.issue(await askForRenewal(aliceKey, held, newKey));
  expect(hex(renewed.publicKey.subjectPublicKeyInfo)).toBe(hex(newKey.publicKey));
});

test('a renewed certificate is renewed again', async () => {
  const { ca, aliceKey, held } = await createRenewable();
  const renewed = await ca.issue(await askForRenewal(aliceKey, held));
  const again = await ca.issue(await askForRenewal(aliceKey, renewed));
  expect(again.extensions).toEqual(held.extensions);
});

test('what the directory says of the user by now stands in the renewed certificate', async () => {
  const { ca, directory, aliceKey, held } = await createRenewable();
  const distinguishedName = 'CN=Alice Married,OU=People,DC=contoso,DC=example';
  directory.change(alice.upn, { distinguishedName });
  const renewed = await ca.issue(await askForRenewal(aliceKey, held));
  expect(renewed.subject.toString()).toBe(distinguishedName);
});

test('a certificate that was on hold and is released may be renewed', async () => {
  const renewable = await createRenewable();
  const { ca, aliceKey, held } = renewable;
  await ca.revoke(held.serialNumber, 'certificateHold');
  const request = await askForRenewal(aliceKey, held);
  expect((await refusedByCa(renewable, request)).code).toBe('CERTIFICATE_REVOKED');
  await ca.release(held.serialNumber);
  await ca.issue(request);
});

test('a renewal made by hand, by the letter of RFC 5652, is one like the library’s', async () => {
  const { ca, aliceKey, held } = await createRenewable();
  const renewed = await ca.issue(await forgeRenewal({ key: aliceKey, certificate: held }));
  expect(renewed.extensions).toEqual(held.extensions);
});

test('a renewal is answered once, also where its signature is written otherwise', async () => {
  const renewable = await createRenewable();
  const { ca, aliceKey, held } = renewable;
  const renewal = { key: steady(aliceKey), certificate: held };
  const request = await forgeRenewal(renewal);
  const mirrored = await forgeRenewal({ ...renewal, signature: mirroredSignature });
  await ca.issue(request);
  for (const again of [request, mirrored]) {
    expect((await refusedByCa(renewable, again)).code).toBe('REQUEST_REPLAYED');
  }
  await ca.issue(await askForRenewal(aliceKey, held));
});

test('an agent may countersign a request that says that it renews; the agent answers for it', async () => {
  const enrollment: Enrollment = await createEnrollment();
  const { ca, ra, ledger, aliceKey, agentCertificate } = enrollment;
  const attributes = [renewalCertificateAttribute(agentCertificate)];
  const request = await createCertificationRequest(aliceKey, { attributes });
  expect(CertificationRequest.parse(request).attributes).toHaveLength(1);
  const certificate = await ca.issue((await ra.countersign(request, alice.upn)).der);
  expect((await ledger.find(certificate.serialNumber))?.agentSerialNumber).toBe(
    agentCertificate.serialNumber,
  );
});

test('each user renews for itself', async () => {
  const { ca, directory, ra, aliceKey, held } = await createRenewable();
  const bobKey = await softwareKey('p256');
  directory.setKeys(bob.upn, bobKey);
  const heldByBob = await ca.issue(
    (await ra.countersign(await createCertificationRequest(bobKey), bob.upn)).der,
  );
  const renewed = [
    await ca.issue(await askForRenewal(bobKey, heldByBob)),
    await ca.issue(await askForRenewal(aliceKey, held)),
  ];
  expect(renewed.map(({ subject }) => subject.toString())).toEqual([
    bob.distinguishedName,
    alice.distinguishedName,
  ]);
});

/** A key that makes one signature for each message, however often it is asked. */
function steady(key: Key): Key {
  const made = new Map<string, Uint8Array>();
  const sign: Key['sign'] = async (scheme, message) => {
    const name = Buffer.from(message).toString('hex');
    const signature = made.get(name) ?? (await key.sign(scheme, message));
    made.set(name, signature);
    return signature;
  };
  return { ...key, sign };
}
