import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { PublicKey } from '@countersign/core';
import { createKeyReceipt, parseKeyReceipt, type KeyReceipt } from '../../src/receipt/index.ts';
import { RegistrationClient, RemoteReceiptKeys } from '../../src/registration/index.ts';
import { createKeySet } from '../../src/tokens/index.ts';
import { alice, newPublicKey } from '../people.ts';
import { refusal } from '../refusal.ts';
import { cloudIssuer, deviceId } from '../network/registration-fixture.ts';
import { startRogueService } from '../network/rogue-service.ts';
import { softwareKey } from '../network/software-key.ts';

const now = new Date('2026-03-04T05:06:07.000Z');

const receipt: KeyReceipt = {
  issuer: cloudIssuer,
  upn: alice.upn,
  sid: alice.sid,
  deviceId,
  publicKey: PublicKey.parse(newPublicKey()),
  registeredAt: now,
  expiresAt: new Date(now.getTime() + 3600_000),
};

describe('the keys of a registration service', () => {
  test('are fetched once for receipts that arrive together, and again when they are five minutes old', async () => {
    const key = await softwareKey('p256');
    const body = JSON.stringify(await createKeySet([key.publicKey]));
    const service = await startRogueService(() => ({ status: 200, body }));
    const clock = { now };
    const keys = new RemoteReceiptKeys({ url: service.url, ca: service.ca, clock: () => clock.now });
    const krctx = await createKeyReceipt(key, receipt);
    const trust = { issuer: cloudIssuer, keys: keys.find };
    await Promise.all([1, 2, 3].map(async () => parseKeyReceipt(krctx, trust, now)));
    clock.now = new Date(now.getTime() + 5 * 60_000);
    await parseKeyReceipt(krctx, trust, now);
    expect(service.requests).toHaveLength(1);
    clock.now = new Date(now.getTime() + 5 * 60_000 + 1);
    await parseKeyReceipt(krctx, trust, now);
    expect(service.requests).toHaveLength(2);
    await service.close();
    await parseKeyReceipt(krctx, trust, now);
    clock.now = new Date(now.getTime() + 11 * 60_000);
    await refusal(parseKeyReceipt(krctx, trust, now), 'SERVICE_UNREACHABLE');
    await refusal(keys.refresh(), 'SERVICE_UNREACHABLE');
  });

  test('are asked for again when a receipt names a new one, though not for each that is forged', async () => {
    const [old, next, forger] = [
      await softwareKey('p256'),
      await softwareKey('ed25519'),
      await softwareKey('p256'),
    ];
    let published = [old.publicKey];
    const service = await startRogueService(async () => ({
      status: 200,
      body: JSON.stringify(await createKeySet(published)),
    }));
    const clock = { now };
    const keys = new RemoteReceiptKeys({ url: service.url, ca: service.ca, clock: () => clock.now });
    const trust = { issuer: cloudIssuer, keys: keys.find };
    await parseKeyReceipt(await createKeyReceipt(old, receipt), trust, now);
    published = [next.publicKey];
    const renewed = await createKeyReceipt(next, receipt);
    await refusal(parseKeyReceipt(renewed, trust, now), 'RECEIPT_INVALID');
    clock.now = new Date(now.getTime() + 30_000);
    await parseKeyReceipt(renewed, trust, now);
    expect(service.requests).toHaveLength(2);
    const forged = await createKeyReceipt(forger, receipt);
    for (let i = 0; i < 5; i++) await refusal(parseKeyReceipt(forged, trust, now), 'RECEIPT_INVALID');
    expect(service.requests).toHaveLength(2);
  });

  test('of types that are unknown are passed over, and weak ones refused', async () => {
    const key = await softwareKey('p256');
    const { keys } = await createKeySet([key.publicKey]);
    let body = JSON.stringify({ keys: [{ kty: 'AKP', kid: 'x', pub: 'AA' }, ...keys] });
    const { url, ca } = await startRogueService(() => ({ status: 200, body }));
    const client = new RegistrationClient({ url, ca });
    const trust = { issuer: cloudIssuer, keys: await client.receiptKeys() };
    await parseKeyReceipt(await createKeyReceipt(key, receipt), trust, now);
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    body = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'weak' }] });
    await refusal(client.receiptKeys(), 'KEY_NOT_ACCEPTABLE');
    await refusal(new RemoteReceiptKeys({ url, ca }).refresh(), 'SERVICE_UNREACHABLE');
    for (const malformed of [
      '[]',
      '{}',
      '{"keys":{}}',
      '{"keys":[{"kty":"EC","crv":"P-256","x":"A","y":"A","kid":"1"}]}',
    ]) {
      body = malformed;
      await refusal(client.receiptKeys(), 'MESSAGE_MALFORMED');
    }
  });
});

describe('a client of a registration service', () => {
  test.each([
    [503, '<html>', 'SERVICE_REFUSED'],
    [400, '{"code":"FILE_UNWRITABLE","message":"x"}', 'SERVICE_REFUSED'],
    [400, '{"code":"invalid_request","message":"x"}', 'SERVICE_REFUSED'],
    [401, '{"code":"MFA_REQUIRED","message":"x","hint":"y"}', 'MFA_REQUIRED'],
    [200, '{}', 'MESSAGE_MALFORMED'],
    [200, '{"kid":"a","upn":"b"}', 'MESSAGE_MALFORMED'],
    [201, '{"kid":"a","upn":"b","krctx":"c"}', 'SERVICE_REFUSED'],
  ] as const)('turns the answer %i %j into %s', async (status, body, code) => {
    const { url, ca } = await startRogueService(() => ({ status, body }));
    await refusal(new RegistrationClient({ url, ca }).register(newPublicKey(), 'token'), code);
  });

  test('refuses an answer to another request', async () => {
    const { url, ca } = await startRogueService(() => ({
      status: 200,
      body: '{"kid":"a","upn":"b","krctx":"c"}',
      headers: { 'client-request-id': '4d2e7a0c-9c5b-4b8e-9b1c-2f8f3a1e7d60' },
    }));
    await refusal(new RegistrationClient({ url, ca }).register(newPublicKey(), 'token'), 'RESPONSE_MISMATCH');
  });

  test('waits no longer than it is told to', async () => {
    const { url, ca } = await startRogueService(async () => new Promise(() => undefined));
    const client = new RegistrationClient({ url, ca, timeoutMs: 100 });
    const error = await refusal(client.register(newPublicKey(), 'token'), 'SERVICE_UNREACHABLE');
    expect(error.message).toContain('100 ms');
  });
});
