import type { ErrorCode } from '@countersign/core';
import { SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { signJws, TokenIssuer } from '../../src/tokens/index.ts';
import { alice, newPublicKey } from '../people.ts';
import { refusal } from '../refusal.ts';
import {
  deviceId,
  registrationAudience,
  sharedKeys,
  startRegistration,
  tokenIssuerName,
  type RegistrationFixture,
} from '../network/registration-fixture.ts';
import { softwareKey } from '../network/software-key.ts';

/** The claims of a sound token, at the fixture's time. */
function claimsAt(now: Date): Record<string, unknown> {
  const seconds = Math.floor(now.getTime() / 1000);
  return {
    iss: tokenIssuerName,
    aud: registrationAudience,
    iat: seconds,
    nbf: seconds,
    exp: seconds + 3600,
    upn: alice.upn,
    deviceid: deviceId,
    amr: ['pwd', 'ngcmfa'],
    auth_time: seconds,
  };
}

async function expectRefused(fixture: RegistrationFixture, token: string, code: ErrorCode): Promise<void> {
  await refusal(fixture.client.register(newPublicKey(), token), code);
  expect((await fixture.cloud.findByUpn(alice.upn))?.keyCredentials).toEqual([]);
}

describe('an access token with a sound signature', () => {
  const at = new Date('2026-03-04T05:06:07.890Z').getTime() / 1000;

  test.each<[string, Record<string, unknown>, ErrorCode]>([
    ['from another issuer', { iss: 'https://sts.other.test/' }, 'TOKEN_REJECTED'],
    ['from no issuer', { iss: undefined }, 'TOKEN_REJECTED'],
    ['for another audience', { aud: 'urn:other' }, 'TOKEN_REJECTED'],
    ['for other audiences', { aud: ['urn:other', 'urn:more'] }, 'TOKEN_REJECTED'],
    ['for no audience', { aud: undefined }, 'TOKEN_REJECTED'],
    ['that expired', { exp: at - 61 }, 'TOKEN_REJECTED'],
    ['that never expires', { exp: undefined }, 'TOKEN_REJECTED'],
    ['whose end is a text', { exp: '2099' }, 'TOKEN_REJECTED'],
    ['that is not valid yet', { nbf: at + 120 }, 'TOKEN_REJECTED'],
    ['from the future', { iat: at + 120 }, 'TOKEN_REJECTED'],
    ['without a device', { deviceid: undefined }, 'TOKEN_REJECTED'],
    ['whose device is no GUID', { deviceid: 'laptop' }, 'TOKEN_REJECTED'],
    ['without a user', { upn: undefined }, 'TOKEN_REJECTED'],
    ['whose user is a list', { upn: [alice.upn] }, 'TOKEN_REJECTED'],
    ['whose methods are no texts', { amr: [1] }, 'TOKEN_REJECTED'],
    ['with mfa and no time of it', { amr: ['mfa'], auth_time: undefined }, 'MFA_REQUIRED'],
    ['without methods', { amr: undefined }, 'MFA_REQUIRED'],
  ])('%s is refused', async (_, changes, code) => {
    const fixture = await startRegistration();
    const { issuerKey } = await sharedKeys();
    await expectRefused(
      fixture,
      await signJws(issuerKey, { ...claimsAt(fixture.clock.now), ...changes }),
      code,
    );
  });

  test.each<[string, Record<string, unknown>]>([
    ['as it is', {}],
    ['for several audiences', { aud: ['urn:other', registrationAudience] }],
    ['with ngcmfa and no time of it', { auth_time: undefined }],
    ['without nbf', { nbf: undefined }],
    ['that a clock ahead by less than a minute issued', { iat: at + 50, nbf: at + 50 }],
  ])('is taken: %s', async (_, changes) => {
    const fixture = await startRegistration();
    const { issuerKey } = await sharedKeys();
    const token = await signJws(issuerKey, { ...claimsAt(fixture.clock.now), ...changes });
    expect((await fixture.client.register(newPublicKey(), token)).upn).toBe(alice.upn);
  });
});

describe('an access token', () => {
  test('of another key is refused, also under the name of the right one', async () => {
    const fixture = await startRegistration();
    const { issuerKey } = await sharedKeys();
    const claims = claimsAt(fixture.clock.now);
    const forged = await signJws(await softwareKey('p256'), claims);
    await expectRefused(fixture, forged, 'TOKEN_REJECTED');
    const [header = ''] = (await signJws(issuerKey, claims)).split('.');
    await expectRefused(fixture, [header, ...forged.split('.').slice(1)].join('.'), 'TOKEN_REJECTED');
  });

  test('whose claims were altered is refused', async () => {
    const fixture = await startRegistration();
    const [header = '', , signature = ''] = (await fixture.token({ upn: 'bob@corp.test' })).split('.');
    const claims = Buffer.from(JSON.stringify(claimsAt(fixture.clock.now))).toString('base64url');
    await expectRefused(fixture, `${header}.${claims}.${signature}`, 'TOKEN_REJECTED');
  });

  test('that nobody signed is refused, and one signed with the public key as a secret', async () => {
    const fixture = await startRegistration();
    const { issuerKey } = await sharedKeys();
    const claims = claimsAt(fixture.clock.now);
    await expectRefused(fixture, new UnsecuredJWT(claims).encode(), 'TOKEN_REJECTED');
    const confused = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(issuerKey.publicKey);
    await expectRefused(fixture, confused, 'TOKEN_REJECTED');
  });

  test.each(['p256', 'p384', 'p521', 'rsa2048', 'ed25519'] as const)(
    'is signed and verified with %s',
    async (algorithm) => {
      const key = await softwareKey(algorithm);
      const issuer = new TokenIssuer({ issuer: 'https://sts.other.test/', key });
      const fixture = await startRegistration({
        tokens: { issuer: issuer.issuer, keys: await issuer.keys(), audience: 'urn:x' },
        clock: () => new Date(),
      });
      for (let i = 0; i < 20; i++) {
        const token = await issuer.issueAccessToken({ upn: alice.upn, deviceId, methods: ['mfa'] }, 'urn:x');
        expect((await fixture.client.register(newPublicKey(), token)).upn).toBe(alice.upn);
      }
    },
  );

  test('is not issued for a device that is no GUID', async () => {
    const fixture = await startRegistration();
    await refusal(fixture.token({ deviceId: 'laptop' }), 'VALUE_OUT_OF_RANGE');
  });
});
