import { PublicKey } from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { exchange } from '../../src/https/index.ts';
import { parseKeyReceipt } from '../../src/receipt/index.ts';
import { RegistrationClient } from '../../src/registration/index.ts';
import { alice, newPublicKey } from '../people.ts';
import { refusal } from '../refusal.ts';
import { bob, cloudIssuer, deviceId, startRegistration } from '../network/registration-fixture.ts';
import { makeServerCertificate } from '../network/server-certificate.ts';
import { softwareKey } from '../network/software-key.ts';

describe('a registration', () => {
  test.each(['rsa2048', 'p256', 'p384', 'p521', 'ed25519'] as const)(
    'of a key %s is written to the cloud directory, and answered with a receipt',
    async (algorithm) => {
      const { client, cloud, clock, token } = await startRegistration();
      const { publicKey } = await softwareKey(algorithm);
      const answer = await client.register(publicKey, await token());
      expect(answer.upn).toBe(alice.upn);
      expect(answer.kid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u);
      const [written] = (await cloud.findByUpn(alice.upn))?.keyCredentials ?? [];
      expect(written).toMatchObject({ publicKey, registeredAt: clock.now });
      const receipt = await parseKeyReceipt(
        answer.krctx,
        { issuer: cloudIssuer, keys: await client.receiptKeys() },
        clock.now,
      );
      expect(receipt).toMatchObject({ upn: alice.upn, sid: alice.sid, deviceId });
      expect(receipt.publicKey.equals(PublicKey.parse(publicKey))).toBe(true);
      expect(receipt.expiresAt.getTime() - receipt.registeredAt.getTime()).toBe(60 * 60_000);
    },
  );

  test('made again changes nothing and brings a new receipt under the same kid', async () => {
    const { client, cloud, clock, token } = await startRegistration();
    const publicKey = newPublicKey();
    const first = await client.register(publicKey, await token());
    clock.now = new Date(clock.now.getTime() + 5 * 60_000);
    const second = await client.register(publicKey, await token());
    expect(second.kid).toBe(first.kid);
    expect(second.krctx).not.toBe(first.krctx);
    expect((await cloud.findByUpn(alice.upn))?.keyCredentials).toHaveLength(1);
  });

  test('of a key that is another’s is refused, and does not say whose it is', async () => {
    const { client, token } = await startRegistration();
    const publicKey = newPublicKey();
    await client.register(publicKey, await token({ upn: bob.upn }));
    const error = await refusal(client.register(publicKey, await token()), 'KEY_REGISTERED_TO_ANOTHER');
    expect(error.message).not.toContain(bob.upn);
  });

  test('of nobody is refused', async () => {
    const { client, token } = await startRegistration();
    await refusal(
      client.register(newPublicKey(), await token({ upn: 'mallory@corp.test' })),
      'USER_NOT_FOUND',
    );
  });

  test('from a device that the directory does not know is refused', async () => {
    const seen: string[] = [];
    const { client, cloud, token } = await startRegistration({
      isKnownDevice: (accessToken) => {
        seen.push(accessToken.deviceId);
        return false;
      },
    });
    await refusal(client.register(newPublicKey(), await token()), 'TOKEN_REJECTED');
    expect(seen).toEqual([deviceId]);
    expect((await cloud.findByUpn(alice.upn))?.keyCredentials).toEqual([]);
  });

  test('of a key that the policy blocks is refused', async () => {
    const blocked = newPublicKey();
    const { keyId } = PublicKey.parse(blocked);
    const { client, token } = await startRegistration({ keyPolicy: { isBlocked: (id) => id === keyId } });
    await refusal(client.register(blocked, await token()), 'KEY_BLOCKED');
    await client.register(newPublicKey(), await token());
  });
});

describe('second factors', () => {
  test.each(['ngcmfa', 'mfa', 'http://schemas.microsoft.com/claims/multipleauthn'])(
    '%s within ten minutes are enough',
    async (method) => {
      const { client, clock, token } = await startRegistration();
      const methods = ['pwd', method];
      await client.register(newPublicKey(), await token({ methods, at: minutesAgo(clock.now, 9.9) }));
      await refusal(
        client.register(newPublicKey(), await token({ methods, at: minutesAgo(clock.now, 10.1) })),
        'MFA_REQUIRED',
      );
    },
  );

  test.each([[[]], [['pwd']], [['pwd', 'MFA']], [['rsa', 'mfa2']]])('are missing in %j', async (methods) => {
    const { client, cloud, token } = await startRegistration();
    await refusal(client.register(newPublicKey(), await token({ methods })), 'MFA_REQUIRED');
    expect((await cloud.findByUpn(alice.upn))?.keyCredentials).toEqual([]);
  });

  test('from the future are none', async () => {
    const { client, clock, token } = await startRegistration();
    const at = minutesAgo(clock.now, -2);
    await refusal(client.register(newPublicKey(), await token({ at })), 'MFA_REQUIRED');
  });

  test('grow old while the token is still good', async () => {
    const { client, clock, token } = await startRegistration();
    const early = await token();
    clock.now = minutesAgo(clock.now, -11);
    await refusal(client.register(newPublicKey(), early), 'MFA_REQUIRED');
  });
});

describe('the service', () => {
  test('is not trusted with a certificate from another authority', async () => {
    const { service, token } = await startRegistration();
    const other = await makeServerCertificate();
    const client = new RegistrationClient({ url: service.url, ca: other.ca });
    const error = await refusal(client.register(newPublicKey(), await token()), 'SERVICE_UNREACHABLE');
    expect(error.message).toMatch(/certificate|self.signed/iu);
  });

  test('that is gone is unreachable, and one without TLS is not asked', async () => {
    const { service, client, token } = await startRegistration();
    await service.close();
    await service.close();
    await refusal(client.register(newPublicKey(), await token()), 'SERVICE_UNREACHABLE');
    await refusal(client.receiptKeys(), 'SERVICE_UNREACHABLE');
    const plain = new RegistrationClient({ url: service.url.replace('https', 'http') });
    await refusal(plain.receiptKeys(), 'VALUE_OUT_OF_RANGE');
  });

  test('publishes the public half of its receipt key alone', async () => {
    const { service, ca } = await startRegistration();
    const { body, headers } = await exchange(
      new URL('/EnrollmentServer/receipt-keys', service.url),
      { method: 'GET' },
      { ca },
    );
    expect(headers['content-type']).toBe('application/jwk-set+json');
    const text = Buffer.from(body).toString();
    const names = [...text.matchAll(/"(?<name>\w+)":/gu)].map((match) => match.groups?.['name']);
    expect(new Set(names)).toEqual(new Set(['keys', 'kty', 'n', 'e', 'kid', 'use']));
  });

  test('that fails by its own fault says no more than that, and tells its owner', async () => {
    const { client, token, failures } = await startRegistration({
      isKnownDevice: () => {
        throw new Error('the table devices of db.internal is full');
      },
    });
    const error = await refusal(client.register(newPublicKey(), await token()), 'SERVICE_REFUSED');
    expect(error.message).not.toContain('db.internal');
    expect(failures).toEqual([new Error('the table devices of db.internal is full')]);
  });
});

function minutesAgo(now: Date, minutes: number): Date {
  return new Date(now.getTime() - minutes * 60_000);
}
