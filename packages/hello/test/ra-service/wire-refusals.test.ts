import { randomBytes } from 'node:crypto';
import { CompactSign } from 'jose';
import { describe, expect, test } from 'vitest';
import { exchange, MessageObject, type HttpsResponse } from '../../src/https/index.ts';
import { contextOfPayload, deriveMessageKey } from '../../src/ra-service/session-key.ts';
import type { IssuedPrimaryRefreshToken } from '../../src/tokens/index.ts';
import { alice } from '../people.ts';
import { startRa, type RaFixture } from '../network/ra-fixture.ts';

const bearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const tokenPath = '/adfs/oauth2/token';

describe('the OpenID metadata', () => {
  test('names the token endpoint and the capabilities', async () => {
    const { service, registration } = await startRa();
    const { body } = await exchange(
      new URL('/adfs/.well-known/openid-configuration', service.url),
      { method: 'GET' },
      { ca: registration.ca },
    );
    expect(JSON.parse(Buffer.from(body).toString())).toEqual({
      issuer: `${service.url}/adfs`,
      token_endpoint: `${service.url}${tokenPath}`,
      capabilities: ['kdf_ver2', 'winhello_cert', 'winhello_cert_kr'],
    });
  });
});

describe('a message is refused in the form of OAuth', () => {
  test.each<[string, number, string, string, Parameters<typeof exchange>[1] & { readonly path?: string }]>([
    ['another path', 404, 'server_error', 'SERVICE_REFUSED', form('', { path: '/adfs/oauth2' })],
    ['another method', 405, 'server_error', 'SERVICE_REFUSED', { method: 'GET' }],
    ['another content type', 415, 'invalid_request', 'MESSAGE_MALFORMED', { ...form('a=b'), headers: {} }],
    ['no grant_type', 400, 'invalid_request', 'MESSAGE_MALFORMED', form('')],
    ['a grant_type twice', 400, 'invalid_request', 'MESSAGE_MALFORMED', form('grant_type=a&grant_type=a')],
    ['another grant_type', 400, 'unsupported_grant_type', 'MESSAGE_MALFORMED', form('grant_type=password')],
    ['no request', 400, 'invalid_request', 'MESSAGE_MALFORMED', form(`grant_type=${bearer}`)],
    [
      'a request that is none',
      400,
      'invalid_request',
      'MESSAGE_MALFORMED',
      form(`grant_type=${bearer}&request=a.b.c`),
    ],
    ['too much', 413, 'invalid_request', 'INPUT_TOO_LARGE', form('a'.repeat(65 * 1024))],
  ])('with %s: %i %s', async (_, status, error, code, { path = tokenPath, ...request }) => {
    const { service, registration } = await startRa();
    const response = await exchange(new URL(path, service.url), request, { ca: registration.ca });
    expectRefusal(response, status, error, code);
  });
});

describe('a request for a certificate is refused', () => {
  test.each<[string, string, string, Record<string, unknown>]>([
    ['from another client', 'invalid_grant', 'TOKEN_REJECTED', { client_id: 'other' }],
    ['for another resource', 'invalid_resource', 'MESSAGE_MALFORMED', { resource: 'urn:other' }],
    ['for another scope', 'invalid_scope', 'MESSAGE_MALFORMED', { scope: 'aza openid winhello_certs' }],
    ['for another use', 'invalid_request', 'MESSAGE_MALFORMED', { cert_token_use: 'logon_cert' }],
    ['with another type of request', 'invalid_request', 'MESSAGE_MALFORMED', { csr_type: 'PKCS7' }],
    ['with another inner grant', 'unsupported_grant_type', 'MESSAGE_MALFORMED', { grant_type: 'password' }],
    ['without a PKCS#10', 'invalid_request', 'MESSAGE_MALFORMED', { csr: undefined }],
    ['with a PKCS#10 that is no base64', 'invalid_request', 'MESSAGE_MALFORMED', { csr: '-' }],
    ['without a nonce', 'invalid_grant', 'NONCE_STALE', { request_nonce: undefined }],
    [
      'with a nonce of its own',
      'invalid_grant',
      'NONCE_STALE',
      { request_nonce: randomBytes(56).toString('base64url') },
    ],
    ['that expired', 'invalid_grant', 'TOKEN_REJECTED', { exp: 1 }],
    ['from the future', 'invalid_grant', 'TOKEN_REJECTED', { iat: 4_000_000_000 }],
    ['without times', 'invalid_request', 'MESSAGE_MALFORMED', { iat: undefined }],
    ['without a refresh token', 'invalid_request', 'MESSAGE_MALFORMED', { refresh_token: undefined }],
    ['with a refresh token that is none', 'invalid_grant', 'TOKEN_REJECTED', { refresh_token: 'a.b.c.d.e' }],
  ])('%s', async (_, error, code, changes) => {
    const fixture = await sound();
    expectRefusal(await send(fixture, await signed(fixture, { changes })), 400, error, code);
    expect(fixture.agentKey.signatures()).toBe(fixture.signaturesBefore);
  });

  test('whose nonce was used, though everything else be new', async () => {
    const fixture = await sound();
    const request = await signed(fixture);
    expect((await send(fixture, request)).status).toBe(200);
    const count = fixture.agentKey.signatures();
    expectRefusal(await send(fixture, request), 400, 'invalid_grant', 'REQUEST_REPLAYED');
    const { request_nonce } = fixture.claims;
    const token = await fixture.prt();
    const again = await signed(fixture, { token, changes: { request_nonce } });
    expectRefusal(await send(fixture, again), 400, 'invalid_grant', 'REQUEST_REPLAYED');
    expect(fixture.agentKey.signatures()).toBe(count);
  });

  test('whose nonce is older than ten minutes', async () => {
    const fixture = await sound();
    fixture.clock.now = new Date(fixture.clock.now.getTime() + 10 * 60_000);
    const iat = fixture.clock.now.getTime() / 1000;
    const request = await signed(fixture, { changes: { iat, exp: iat + 300 } });
    expectRefusal(await send(fixture, request), 400, 'invalid_grant', 'NONCE_STALE');
  });

  test('a forged request does not use up the nonce of a sound one', async () => {
    const fixture = await sound();
    const forged = await signed(fixture, { sessionKey: randomBytes(32) });
    expectRefusal(await send(fixture, forged), 400, 'invalid_grant', 'TOKEN_REJECTED');
    expect((await send(fixture, await signed(fixture))).status).toBe(200);
  });

  test('whose user gave no second factor', async () => {
    const fixture = await sound();
    const token = await fixture.prt({ methods: ['pwd'] });
    expectRefusal(
      await send(fixture, await signed(fixture, { token })),
      400,
      'interaction_required',
      'MFA_REQUIRED',
    );
  });

  test('whose refresh token has expired, is for another service, or sealed by another issuer', async () => {
    const fixture = await sound();
    const { issuer } = fixture.registration;
    const signIn = { ...alice, deviceId: '47f577e3-d2d0-4a0a-8aca-e0501098bde4', methods: ['mfa'] };
    for (const token of [
      await issuer.issuePrimaryRefreshToken(signIn, 'urn:other', fixture.sealingKey),
      await issuer.issuePrimaryRefreshToken(signIn, 'https://adfs.corp.test/adfs', randomBytes(32)),
    ]) {
      expectRefusal(
        await send(fixture, await signed(fixture, { token })),
        400,
        'invalid_grant',
        'TOKEN_REJECTED',
      );
    }
    const old = await fixture.prt();
    fixture.clock.now = new Date(fixture.clock.now.getTime() + 8 * 24 * 3600_000);
    expectRefusal(
      await send(fixture, await signed(fixture, { token: old })),
      400,
      'invalid_grant',
      'TOKEN_REJECTED',
    );
  });

  test('whose key was derived by version 1, or which names another algorithm', async () => {
    const fixture = await sound();
    for (const header of [
      { kdf_ver: 1 },
      { kdf_ver: undefined },
      { alg: 'HS384' },
      { ctx: 'AAAA' },
      { ctx: undefined },
    ]) {
      expectRefusal(
        await send(fixture, await signed(fixture, { header })),
        400,
        'invalid_request',
        'MESSAGE_MALFORMED',
      );
    }
  });
});

type Sound = RaFixture & {
  readonly token: IssuedPrimaryRefreshToken;
  readonly claims: Record<string, unknown>;
  readonly signaturesBefore: number;
};

/** A service, and the claims of a request that it would grant. */
async function sound(): Promise<Sound> {
  const fixture = await startRa();
  await fixture.premises.registerKey(alice.upn, fixture.key.publicKey);
  const response = await exchange(new URL(tokenPath, fixture.service.url), form('grant_type=srv_challenge'), {
    ca: fixture.registration.ca,
  });
  const seconds = Math.floor(fixture.clock.now.getTime() / 1000);
  const token = await fixture.prt();
  const claims = {
    client_id: '38aa3b87-a06d-4817-b275-7a316988d93b',
    scope: 'aza openid winhello_cert',
    resource: 'urn:microsoft:winhello:cert:prov:server',
    cert_token_use: 'winhello_cert',
    csr_type: 'http://schemas.microsoft.com/windows/pki/2009/01/enrollment#PKCS10',
    csr: Buffer.from(fixture.csr).toString('base64'),
    request_nonce: MessageObject.parse(response.body, 'nonce').string('Nonce'),
    iat: seconds,
    exp: seconds + 300,
    grant_type: 'refresh_token',
    refresh_token: token.token,
  };
  return { ...fixture, token, claims, signaturesBefore: fixture.agentKey.signatures() };
}

async function signed(
  { claims, token: own }: Sound,
  options: {
    readonly changes?: Record<string, unknown>;
    readonly header?: Record<string, unknown>;
    readonly token?: IssuedPrimaryRefreshToken;
    readonly sessionKey?: Uint8Array;
  } = {},
): Promise<string> {
  const { changes = {}, header = {}, token = own, sessionKey = token.sessionKey } = options;
  const payload = Buffer.from(JSON.stringify({ ...claims, refresh_token: token.token, ...changes }));
  const ctx = randomBytes(24);
  const key = deriveMessageKey(sessionKey, contextOfPayload(ctx, payload));
  const { alg = 'HS256', ...more } = header;
  return new CompactSign(payload)
    .setProtectedHeader({ typ: 'JWT', ctx: ctx.toString('base64'), kdf_ver: 2, ...more, alg: String(alg) })
    .sign(alg === 'HS256' ? key : Buffer.concat([key, key]));
}

async function send({ service, registration }: RaFixture, request: string): Promise<HttpsResponse> {
  const body = new URLSearchParams({ grant_type: bearer, request }).toString();
  return exchange(new URL(tokenPath, service.url), form(body), { ca: registration.ca });
}

function form(
  body: string,
  more: { readonly path?: string } = {},
): Parameters<typeof exchange>[1] & { readonly path?: string } {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return { method: 'POST', headers, body, ...more };
}

function expectRefusal({ status, body }: HttpsResponse, expected: number, error: string, code: string): void {
  const message = MessageObject.parse(body, 'error');
  expect([status, message.string('error'), message.string('code')]).toEqual([expected, error, code]);
  expect(message.string('error_description')).not.toBe('');
}
