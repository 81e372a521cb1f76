import { randomBytes } from 'node:crypto';
import type { Key } from '@countersign/core';
import { createFileDirectory, customVerifier, type MultiFactorVerifier } from '@countersign/hello';
import { describe, expect, onTestFinished, test } from 'vitest';
import { exchange, MessageObject } from '../../src/https/index.ts';
import { signDeviceRequest } from '../../src/identity/device-request.ts';
import { DeviceRegistry, IdentityClient, startIdentityService } from '../../src/identity/index.ts';
import { openPrimaryRefreshToken, TokenIssuer, verifyAccessToken } from '../../src/tokens/index.ts';
import { alice } from '../people.ts';
import { bob, sharedKeys, tokenIssuerName } from '../network/registration-fixture.ts';
import { startRogueService } from '../network/rogue-service.ts';
import { softwareKey } from '../network/software-key.ts';
import { refusal } from '../refusal.ts';
import { temporaryDirectory } from '../temporary-directory.ts';

const audiences = { registration: 'urn:registration', enrollment: 'urn:ra' };

describe('a user on a joined device who gives the second factor', () => {
  test('gets tokens that registration service and RA take', async () => {
    const { client, issuer, deviceId, sealingKey, clock } = await startIdentity();
    const tokens = await client.signIn(alice.upn.toUpperCase(), answer('right'));
    expect(tokens.upn).toBe(alice.upn);
    const keys = await issuer.keys();
    const trust = { issuer: tokenIssuerName, keys, audience: audiences.registration };
    expect(await verifyAccessToken(tokens.accessToken, trust, clock.now)).toEqual({
      upn: alice.upn,
      deviceId,
    });
    const { token, sessionKey } = tokens.primaryRefreshToken;
    const opened = await openPrimaryRefreshToken(
      token,
      { issuer: tokenIssuerName, keys, audience: audiences.enrollment, sealingKey },
      clock.now,
    );
    expect(opened).toEqual({ upn: alice.upn, sid: alice.sid, deviceId, sessionKey });
  });

  test('gets nothing for a wrong one', async () => {
    const { client, failures } = await startIdentity();
    const error = await refusal(client.signIn(alice.upn, answer('wrong')), 'MFA_FAILED');
    expect(error.message).toContain(alice.upn);
    expect(failures).toEqual([]);
  });

  test('gets nothing from a verifier that fails, takes too long, or vouches for somebody else', async () => {
    const failing = customVerifier('x', async () => {
      throw new Error('out of order: secret detail');
    });
    const slow = customVerifier('x', async () => new Promise(() => undefined), { timeoutMs: 20 });
    const mistaken: MultiFactorVerifier = {
      verify: async () => ({ upn: bob.upn, method: 'x', at: new Date(clockStart) }),
    };
    const stale: MultiFactorVerifier = {
      verify: async (upn) => ({ upn, method: 'x', at: new Date(clockStart.getTime() - 601_000) }),
    };
    for (const [verifier, code] of [
      [failing, 'MFA_FAILED'],
      [slow, 'MFA_TIMED_OUT'],
      [mistaken, 'MFA_FAILED'],
      [stale, 'MFA_FAILED'],
    ] as const) {
      const { client } = await startIdentity({ verifier });
      const error = await refusal(client.signIn(alice.upn, answer('right')), code);
      expect(error.message).not.toContain('secret detail');
    }
  });

  test('gets nothing where the directory does not know the user, and the verifier is not asked', async () => {
    let asked = 0;
    const verifier: MultiFactorVerifier = {
      verify: async (upn) => {
        asked += 1;
        return { upn, method: 'x', at: new Date() };
      },
    };
    const { client } = await startIdentity({ verifier });
    await refusal(client.signIn('carol@corp.test', answer('right')), 'TOKEN_REJECTED');
    expect(asked).toBe(0);
  });
});

describe('a device', () => {
  test('that nobody joined is refused', async () => {
    const fixture = await startIdentity();
    await fixture.devices.leave(fixture.deviceId);
    await refusal(fixture.client.signIn(alice.upn, answer('right')), 'TOKEN_REJECTED');
  });

  test('keeps its identity when it joins again, and another gets another', async () => {
    const { devices, deviceId, deviceKey } = await startIdentity();
    expect((await devices.join(deviceKey.publicKey)).deviceId).toBe(deviceId);
    expect((await devices.join((await softwareKey('p256')).publicKey)).deviceId).not.toBe(deviceId);
    expect(await devices.leave(deviceId)).toBe(true);
    expect(await devices.leave(deviceId)).toBe(false);
    expect(await devices.find(deviceId)).toBeUndefined();
  });

  test.each<[string, string, (made: Made, fixture: Fixture) => Promise<Made>]>([
    ['of another', 'TOKEN_REJECTED', async (made) => ({ ...made, key: await softwareKey('p256') })],
    [
      'for another service',
      'TOKEN_REJECTED',
      async (made) => ({ ...made, audience: 'https://elsewhere.test' }),
    ],
    [
      'that is too old',
      'TOKEN_REJECTED',
      async (made) => ({ ...made, at: new Date(clockStart.getTime() - 7 * 60_000) }),
    ],
    [
      'from the future',
      'TOKEN_REJECTED',
      async (made) => ({ ...made, at: new Date(clockStart.getTime() + 120_000) }),
    ],
    ['with a nonce that was not given out', 'NONCE_STALE', async (made) => ({ ...made, nonce: 'AAAA' })],
    ['with a device that is no GUID', 'TOKEN_REJECTED', async (made) => ({ ...made, deviceId: 'device' })],
  ])('does not get in with a request %s', async (_, code, change) => {
    const fixture = await startIdentity();
    const made = await change(await fixture.make(), fixture);
    expect(await fixture.send(made)).toMatchObject({ status: 400, code });
  });

  test('gets in with a request once', async () => {
    const fixture = await startIdentity();
    const made = await fixture.make();
    const request = await sign(made);
    expect((await fixture.post({ grant_type: jwtBearer, request })).status).toBe(200);
    expect(await fixture.post({ grant_type: jwtBearer, request })).toMatchObject({
      status: 400,
      code: 'REQUEST_REPLAYED',
    });
  });

  test.each<[string, number, Readonly<Record<string, string>>]>([
    ['no grant', 400, {}],
    ['an unknown grant', 400, { grant_type: 'password' }],
    ['no request', 400, { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer' }],
    [
      'a request that is none',
      400,
      { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', request: 'a.b.c' },
    ],
    [
      'an unsigned request',
      400,
      { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', request: unsigned() },
    ],
  ])('is told what is wrong with %s', async (_, status, parameters) => {
    const fixture = await startIdentity();
    expect(await fixture.post(parameters)).toMatchObject({ status });
    expect(fixture.failures).toEqual([]);
  });
});

test('a client sends no second factor to an endpoint that is not the service’s own', async () => {
  const { key, deviceId } = {
    key: await softwareKey('p256'),
    deviceId: '47f577e3-d2d0-4a0a-8aca-e0501098bde4',
  };
  const rogue = await startRogueService(() => ({
    status: 200,
    body: JSON.stringify({ issuer: 'x', token_endpoint: 'https://127.0.0.1:1/oauth2/token' }),
  }));
  const client = new IdentityClient({ url: rogue.url, ca: rogue.ca, device: { deviceId, key } });
  await refusal(client.signIn(alice.upn, answer('right')), 'SERVICE_REFUSED');
});

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const clockStart = new Date('2026-03-04T05:06:07.890Z');

type Fixture = Awaited<ReturnType<typeof startIdentity>>;

interface Made {
  readonly key: Key;
  readonly deviceId: string;
  readonly nonce: string;
  readonly audience: string;
  readonly at: Date;
}

async function startIdentity(changes: { readonly verifier?: MultiFactorVerifier } = {}) {
  const { certificate, issuerKey } = await sharedKeys();
  const clock = { now: clockStart };
  const readClock = (): Date => clock.now;
  const directory = await createFileDirectory(await temporaryDirectory(), { clock: readClock });
  await directory.addUser(alice);
  await directory.addUser(bob);
  const devices = new DeviceRegistry(await temporaryDirectory(), { clock: readClock });
  const deviceKey = await softwareKey('p256');
  const { deviceId } = await devices.join(deviceKey.publicKey);
  const issuer = new TokenIssuer({ issuer: tokenIssuerName, key: issuerKey, clock: readClock });
  const sealingKey = randomBytes(32);
  const failures: unknown[] = [];
  const service = await startIdentityService({
    tls: certificate.tls,
    tokens: issuer,
    directory,
    devices,
    verifier: customVerifier('otp', async (_, given) => Buffer.from(given).toString() === 'right', {
      clock: readClock,
    }),
    registrationAudience: audiences.registration,
    enrollment: { audience: audiences.enrollment, sealingKey },
    clock: readClock,
    onFailure: (error) => failures.push(error),
    ...changes,
  });
  onTestFinished(async () => service.close());
  const ca = certificate.ca;
  const client = new IdentityClient({
    url: service.url,
    ca,
    device: { deviceId, key: deviceKey },
    clock: readClock,
  });
  const post = async (parameters: Readonly<Record<string, string>>) => {
    const { status, body } = await exchange(
      new URL('/oauth2/token', service.url),
      {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(parameters).toString(),
      },
      { ca },
    );
    const message = MessageObject.parse(body, 'answer');
    return { status, code: message.optionalString('code'), nonce: message.optionalString('Nonce') ?? '' };
  };
  const make = async (): Promise<Made> => ({
    key: deviceKey,
    deviceId,
    nonce: (await post({ grant_type: 'srv_challenge' })).nonce,
    audience: tokenIssuerName,
    at: clock.now,
  });
  const send = async (made: Made) => post({ grant_type: jwtBearer, request: await sign(made) });
  return { client, issuer, devices, deviceId, deviceKey, sealingKey, clock, failures, post, make, send };
}

async function sign({ key, deviceId, nonce, audience, at }: Made): Promise<string> {
  return signDeviceRequest(key, { deviceId, upn: alice.upn, answer: answer('right'), nonce }, audience, at);
}

function answer(text: string): Uint8Array {
  return Buffer.from(text);
}

function unsigned(): string {
  const claims = { iss: '47f577e3-d2d0-4a0a-8aca-e0501098bde4' };
  return `${jsonPart({ alg: 'none' })}.${jsonPart(claims)}.`;
}

function jsonPart(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
