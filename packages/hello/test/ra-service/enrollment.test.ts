import {
  createCertificationRequest,
  encodePem,
  PublicKey,
  subjectAltName,
  userPrincipalName,
  type ErrorCode,
} from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { createKeyReceipt, type KeyReceipt } from '../../src/receipt/index.ts';
import { CertificateEnrollment } from '../../src/ra-service/index.ts';
import { enrollWhenSynced, fileDirectoryTarget, KeySync } from '../../src/sync/index.ts';
import { alice, newPublicKey } from '../people.ts';
import { refusal } from '../refusal.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { startRa, type RaFixture } from '../network/ra-fixture.ts';
import { bob, cloudIssuer, deviceId, sharedKeys } from '../network/registration-fixture.ts';
import { softwareKey } from '../network/software-key.ts';

/** The refusal over HTTPS; nothing was signed. */
async function expectRefused(
  fixture: RaFixture,
  order: Partial<Parameters<RaFixture['client']['enroll']>[0]>,
  code: ErrorCode,
): ReturnType<typeof refusal> {
  const { agentKey, client, csr } = fixture;
  const before = agentKey.signatures();
  const token = order.token ?? (await fixture.prt());
  const error = await refusal(client.enroll({ upn: alice.upn, csr, token, ...order }), code);
  expect(agentKey.signatures()).toBe(before);
  expect(fixture.failures).toEqual([]);
  return error;
}

async function registered(fixture: RaFixture): Promise<string> {
  const { registration, key } = fixture;
  return (await registration.client.register(key.publicKey, await registration.token())).krctx;
}

describe('a user gets a certificate', () => {
  test('for a key that is registered on premises', async () => {
    const { client, premises, key, csr, prt, caCertificate } = await startRa();
    await premises.registerKey(alice.upn, key.publicKey);
    const { certificate, others } = await client.enroll({ upn: alice.upn, csr, token: await prt() });
    expect(certificate.isIssuedBy(caCertificate)).toBe(true);
    expect(certificate.subject.toString()).toBe(alice.distinguishedName);
    expect(others.map(({ der }) => der)).toEqual([caCertificate.der]);
    expect(encodePem('CERTIFICATE', certificate.der)).toContain('BEGIN CERTIFICATE');
  });

  test('at once on the receipt of a key that is not synced, which the directory then still lacks', async () => {
    const fixture = await startRa();
    const krctx = await registered(fixture);
    const { client, premises, csr, prt } = fixture;
    await client.enroll({ upn: alice.upn, csr, krctx, token: await prt() });
    expect((await premises.findByUpn(alice.upn))?.keyCredentials).toEqual([]);
  });

  test('without a receipt, once the key has been synced', async () => {
    const fixture = await startRa();
    await registered(fixture);
    const { client, premises, registration, csr, prt } = fixture;
    const sync = new KeySync({
      cloud: registration.cloud,
      premises: fileDirectoryTarget(premises),
      stateDirectory: await temporaryDirectory(),
    });
    const said: string[] = [];
    const enroll = async (): ReturnType<typeof client.enroll> =>
      client.enroll({ upn: alice.upn, csr, token: await prt() });
    await enrollWhenSynced(enroll, {
      onRetry: ({ text }) => said.push(text),
      wait: async () => {
        await sync.run();
      },
    });
    expect(said).toHaveLength(1);
    expect(said[0]).toContain('24 minutes');
  });

  test('by the plain call too, in either format', async () => {
    const { options, csr, premises, key } = await startRa();
    await premises.registerKey(alice.upn, key.publicKey);
    for (const format of ['cms', 'cmc'] as const) {
      const enrollment = new CertificateEnrollment({ ...options, format });
      const request = format === 'cms' ? csr : await createCertificationRequest(key);
      const { certificate, chain, keyKnownBy } = await enrollment.enroll({ ...alice, csr: request });
      expect([chain[0], chain.length, keyKnownBy]).toEqual([certificate, 2, 'directory']);
    }
  });
});

describe('nothing is signed for a key', () => {
  test('that is registered nowhere', async () => {
    await expectRefused(await startRa(), {}, 'KEY_NOT_REGISTERED');
  });

  test('that is registered in the cloud and not synced: the refusal names the times of the retries', async () => {
    const fixture = await startRa();
    await registered(fixture);
    const error = await expectRefused(fixture, {}, 'KEY_NOT_SYNCED');
    expect(error.hint).toContain('24, 85, 145, 205, 265 and 480 minutes');
  });

  test('that is unknown to an RA that knows no cloud directory', async () => {
    const fixture = await startRa({ isRegisteredInCloud: undefined });
    await expectRefused(fixture, {}, 'KEY_NOT_SYNCED');
  });

  test('that is another’s on premises, whatever the receipt says', async () => {
    const fixture = await startRa();
    const krctx = await registered(fixture);
    await fixture.premises.registerKey(bob.upn, fixture.key.publicKey);
    const error = await expectRefused(fixture, { krctx }, 'KEY_REGISTERED_TO_ANOTHER');
    expect(error.message).not.toContain(bob.upn);
  });

  test('with a receipt, where receipts do not count', async () => {
    const fixture = await startRa({ receipts: undefined });
    const krctx = await registered(fixture);
    expect(await fixture.client.metadata()).toMatchObject({ acceptsReceipts: false });
    await expectRefused(fixture, { krctx }, 'KEY_NOT_SYNCED');
  });
});

describe('nothing is signed for a receipt', () => {
  test.each<[string, ErrorCode, Partial<KeyReceipt>]>([
    ['from another service', 'RECEIPT_INVALID', { issuer: 'https://registration.other.test' }],
    ['for another key', 'RECEIPT_KEY_MISMATCH', { publicKey: PublicKey.parse(newPublicKey()) }],
    ['for another user', 'RECEIPT_USER_MISMATCH', { upn: bob.upn, sid: bob.sid }],
    ['for the same name with another SID', 'RECEIPT_USER_MISMATCH', { sid: bob.sid }],
    ['that has expired', 'RECEIPT_EXPIRED', { expiresAt: new Date('2026-03-04T04:06:07Z') }],
  ])('%s', async (_, code, changes) => {
    const fixture = await startRa();
    const { receiptKey } = await sharedKeys();
    const krctx = await createKeyReceipt(receiptKey, { ...soundReceipt(fixture), ...changes });
    await expectRefused(fixture, { krctx }, code);
  });

  test('that is forged', async () => {
    const fixture = await startRa();
    const krctx = await createKeyReceipt(await softwareKey('rsa2048'), soundReceipt(fixture));
    await expectRefused(fixture, { krctx }, 'RECEIPT_INVALID');
  });

  test('while the registration service’s keys cannot be had; then the reason is told', async () => {
    const fixture = await startRa();
    const krctx = await registered(fixture);
    await fixture.registration.service.close();
    const error = await expectRefused(fixture, { krctx }, 'SERVICE_UNREACHABLE');
    expect(error.message).toContain('/EnrollmentServer/receipt-keys');
    await fixture.premises.registerKey(alice.upn, fixture.key.publicKey);
    // Who needs no receipt does not notice.
    await fixture.client.enroll({ upn: alice.upn, csr: fixture.csr, token: await fixture.prt() });
  });
});

describe('nothing is signed for a request', () => {
  test('of one user with the token of another', async () => {
    const fixture = await startRa();
    await fixture.premises.registerKey(alice.upn, fixture.key.publicKey);
    const token = await fixture.prt({ upn: bob.upn, sid: bob.sid });
    await expectRefused(fixture, { token }, 'KEY_REGISTERED_TO_ANOTHER');
    const names = [subjectAltName([userPrincipalName(alice.upn)])];
    const bobsKey = await softwareKey('p256');
    await fixture.premises.registerKey(bob.upn, bobsKey.publicKey);
    const csr = await createCertificationRequest(bobsKey, { extensionRequests: names });
    await expectRefused(fixture, { token, csr }, 'REQUESTER_MISMATCH');
  });

  test('whose token is for another SID than the user has, or for nobody', async () => {
    const fixture = await startRa();
    await fixture.premises.registerKey(alice.upn, fixture.key.publicKey);
    await expectRefused(fixture, { token: await fixture.prt({ sid: bob.sid }) }, 'REQUESTER_MISMATCH');
    const upn = 'mallory@corp.test';
    await expectRefused(fixture, { token: await fixture.prt({ upn }) }, 'USER_NOT_FOUND');
  });

  test('that was not made with its key, or is none', async () => {
    const fixture = await startRa();
    await fixture.premises.registerKey(alice.upn, fixture.key.publicKey);
    const csr = Uint8Array.from(fixture.csr);
    csr.set([(csr.at(-1) ?? 0) ^ 1], csr.length - 1);
    await expectRefused(fixture, { csr }, 'PROOF_OF_POSSESSION_INVALID');
    await expectRefused(fixture, { csr: Uint8Array.of(0x30, 0) }, 'DER_MALFORMED');
  });
});

test('a certificate for another key, which a CA might return, is not passed on', async () => {
  const { certificate } = (await startRa()).options;
  const fixture = await startRa({ issue: async () => Promise.resolve(certificate) });
  await fixture.premises.registerKey(alice.upn, fixture.key.publicKey);
  const { client, csr, prt, failures } = fixture;
  await refusal(client.enroll({ upn: alice.upn, csr, token: await prt() }), 'SERVICE_REFUSED');
  expect(failures).toEqual([expect.objectContaining({ code: 'RESPONSE_MISMATCH' })]);
});

function soundReceipt({ clock, key }: RaFixture): KeyReceipt {
  return {
    issuer: cloudIssuer,
    upn: alice.upn,
    sid: alice.sid,
    deviceId,
    publicKey: PublicKey.parse(key.publicKey),
    registeredAt: new Date(clock.now.getTime() - 10 * 60_000),
    expiresAt: new Date(clock.now.getTime() + 50 * 60_000),
  };
}
