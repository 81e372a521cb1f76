import { expect, test } from 'vitest';
import { PublicKey } from '@countersign/core';
import { countersignForAlice, createEnrollment } from './enrollment-fixture.ts';
import { softwareKey } from './software-key.ts';

test('the certificate that a key has is found for as long as it holds', async () => {
  const enrollment = await createEnrollment();
  const { ca, clock, aliceKey } = enrollment;
  const publicKey = PublicKey.parse(aliceKey.publicKey);
  expect(await ca.currentCertificate(publicKey)).toBeUndefined();
  const first = await ca.issue(await countersignForAlice(enrollment));
  expect((await ca.currentCertificate(publicKey))?.serialNumber).toBe(first.serialNumber);
  clock.now = new Date(clock.now.getTime() + 3_600_000);
  const second = await ca.issue(await countersignForAlice(enrollment));
  expect((await ca.currentCertificate(publicKey))?.serialNumber).toBe(second.serialNumber);
  await ca.revoke(second.serialNumber, 'superseded');
  expect((await ca.currentCertificate(publicKey))?.serialNumber).toBe(first.serialNumber);
  clock.now = new Date(first.notAfter.getTime() + 1000);
  expect(await ca.currentCertificate(publicKey)).toBeUndefined();
});

test('neither a certificate of another key nor one of another profile is taken for it', async () => {
  const enrollment = await createEnrollment();
  const { ca, agentKey } = enrollment;
  await ca.issue(await countersignForAlice(enrollment));
  for (const key of [await softwareKey('p256'), agentKey]) {
    expect(await ca.currentCertificate(PublicKey.parse(key.publicKey))).toBeUndefined();
  }
});
