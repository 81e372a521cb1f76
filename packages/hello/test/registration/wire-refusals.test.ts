import { request as startRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { generateKeyPairSync } from 'node:crypto';
import { PublicKey } from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { exchange, MessageObject, type HttpsResponse } from '../../src/https/index.ts';
import { encodeNgcKey } from '../../src/registration/index.ts';
import { alice, newPublicKey } from '../people.ts';
import { startRegistration, type RegistrationFixture } from '../network/registration-fixture.ts';

const path = '/EnrollmentServer/key?api-version=1.0';

/** Of KeyCredential_Parse_UserKey3 of DSInternals: a key from a generator with ROCA. */
const rocaModulus =
  '976D21DC9A0C0B84040688F5E7F2BB8147B1305CA01CEFDB13E9FAB49EB6734FD3C32B5D34B01EB6ACE35DDF73E62CB506501A5FD1AAAB698FB98AEA2F2721393C155D84DDF59EF91D8F6402FD755D246C3E04BAF96EFA04BBC7DD314C083800B934B192EA587904C938255D781EC0B2FE8FA3135F952A13FF805492579AD6710051525A7A824A8A5CBA74EF4D3A2F2E271856FF633A411912A53BEAA2805A1B57148ACC8404B473FD3580F450DE5AAB10334FEB084B6045A65840898A66BF88AE19DB802AF7FA4AEED95ECDC8FF286AE0075575F82974396B72730C15C511A961BBD6A5A4B46D395AA85F82ACBD585CE57DAE05EE7B22CBEA9E9E02571EF589';
const rocaKey = Buffer.from(`525341310008000003000000000100000000000000000000010001${rocaModulus}`, 'hex');

interface Exchange {
  readonly method?: 'GET' | 'POST';
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

describe('a request is refused in the form of MS-KPP', () => {
  test.each<[string, number, string, Exchange]>([
    ['another path', 404, 'SERVICE_REFUSED', { path: '/EnrollmentServer/keys' }],
    ['another method', 405, 'SERVICE_REFUSED', { method: 'GET' }],
    ['another content type', 415, 'MESSAGE_MALFORMED', { headers: { 'content-type': 'text/plain' } }],
    ['no api-version', 400, 'MESSAGE_MALFORMED', { path: '/EnrollmentServer/key' }],
    ['another api-version', 400, 'MESSAGE_MALFORMED', { path: '/EnrollmentServer/key?api-version=2.0' }],
    ['the api-version in query and header', 400, 'MESSAGE_MALFORMED', { headers: { 'api-version': '1.0' } }],
    ['the api-version twice', 400, 'MESSAGE_MALFORMED', { path: `${path}&api-version=1.0` }],
    ['another accept', 400, 'MESSAGE_MALFORMED', { headers: { accept: 'text/html' } }],
    ['no accept', 400, 'MESSAGE_MALFORMED', { headers: { accept: '' } }],
    ['no JSON', 400, 'MESSAGE_MALFORMED', { body: 'kngc' }],
    ['an array', 400, 'MESSAGE_MALFORMED', { body: '[]' }],
    ['no kngc', 400, 'MESSAGE_MALFORMED', { body: '{}' }],
    ['a kngc that is no base64', 400, 'MESSAGE_MALFORMED', { body: '{"kngc":"a b"}' }],
    ['a kngc that is a number', 400, 'MESSAGE_MALFORMED', { body: '{"kngc":1}' }],
    [
      'the key of the protocol’s example',
      400,
      'KEY_CREDENTIAL_MALFORMED',
      ngc(Buffer.from('ThisIsAnExampleAsymmetricKey')),
    ],
    ['a key with ROCA', 400, 'KEY_HAS_ROCA', ngc(rocaKey)],
    ['a key of 1024 bits', 400, 'KEY_NOT_ACCEPTABLE', ngc(smallRsaKey())],
    ['a key off its curve', 400, 'KEY_POINT_INVALID', ngc(offCurveKey())],
    ['a key cut off', 400, 'KEY_CREDENTIAL_MALFORMED', ngc(rocaKey.subarray(0, -1))],
    ['more than it may have', 413, 'INPUT_TOO_LARGE', { body: ' '.repeat(16 * 1024 + 1) }],
    ['far more than it may have', 413, 'INPUT_TOO_LARGE', { body: ' '.repeat(900_000) }],
    ['no token', 401, 'TOKEN_REJECTED', { headers: { authorization: '' } }],
    ['another scheme', 401, 'TOKEN_REJECTED', { headers: { authorization: 'Basic YTpi' } }],
    ['a token that is none', 401, 'TOKEN_REJECTED', { headers: { authorization: 'Bearer abc' } }],
  ])('with %s: %i', async (_, status, code, changes) => {
    const fixture = await startRegistration();
    const response = await send(fixture, changes);
    expectRefusal(response, status, code);
    expect((await fixture.cloud.findByUpn(alice.upn))?.keyCredentials).toEqual([]);
    if (status === 401) expect(response.headers['www-authenticate']).toMatch(/^Bearer/u);
    expect(fixture.failures).toEqual([]);
  });

  test('and the next one is served', async () => {
    const fixture = await startRegistration();
    expectRefusal(await send(fixture, { body: ' '.repeat(100_000) }), 413, 'INPUT_TOO_LARGE');
    expect((await send(fixture, {})).status).toBe(200);
  });

  test('with the identifier that the client gave, if it is a GUID', async () => {
    const fixture = await startRegistration();
    const id = '4d2e7a0c-9c5b-4b8e-9b1c-2f8f3a1e7d60';
    const headers = { 'client-request-id': id, 'return-client-request-id': 'true', accept: 'text/html' };
    const response = await send(fixture, { headers });
    expect(response.headers['client-request-id']).toBe(id);
    expect(MessageObject.parse(response.body, 'error').string('clientrequestid')).toBe(id);
    const forged = await send(fixture, { headers: { ...headers, 'client-request-id': 'a"b' } });
    expect(forged.headers['client-request-id']).toBeUndefined();
  });
});

test('kngc and kid stand in the answer as MS-KPP has them, with the api-version in a header too', async () => {
  const fixture = await startRegistration();
  const response = await send(fixture, {
    path: '/EnrollmentServer/key/',
    headers: { 'api-version': '1.0', accept: 'text/html, application/json;q=0.5' },
  });
  expect(response.status).toBe(200);
  expect(response.headers['request-id']).toMatch(/^[0-9a-f-]{36}$/u);
  expect(response.headers['cache-control']).toBe('no-store');
  const answer = MessageObject.parse(response.body, 'answer');
  expect(answer.string('upn')).toBe(alice.upn);
  expect([answer.has('kid'), answer.has('krctx')]).toEqual([true, true]);
});

describe('a client that is slow', () => {
  test('gets 408 when its time is over, with a body half sent', async () => {
    const { service, ca, failures } = await startRegistration({ requestTimeoutMs: 200 });
    const request = startRequest(new URL(path, service.url), {
      ca,
      agent: false,
      method: 'POST',
      headers: { 'content-length': '100' },
    });
    request.write('{"kngc"');
    const status = await new Promise((resolve, reject) => {
      request.once('response', (response) => {
        resolve(text(response).then(() => response.statusCode));
      });
      request.once('error', reject);
    });
    expect(status).toBe(408);
    expect(failures).toEqual([]);
  });
});

async function send(fixture: RegistrationFixture, changes: Exchange): Promise<HttpsResponse> {
  const { body = ngc(encodeNgcKey(PublicKey.parse(newPublicKey()))).body, method = 'POST' } = changes;
  const all: Record<string, string> = {
    authorization: `Bearer ${await fixture.token()}`,
    accept: 'application/json',
    'content-type': 'application/json',
    ...changes.headers,
  };
  const headers = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
  const url = new URL(changes.path ?? path, fixture.service.url);
  return exchange(url, { method, headers, ...(method === 'GET' ? {} : { body }) }, { ca: fixture.ca });
}

function expectRefusal({ status, headers, body }: HttpsResponse, expected: number, code: string): void {
  expect(status).toBe(expected);
  expect(headers['content-type']).toBe('application/json; charset=utf-8');
  const message = MessageObject.parse(body, 'error');
  expect(message.string('code')).toBe(code);
  expect(message.string('response')).toBe('ERROR_FAIL');
  expect(message.string('message')).not.toBe('');
  expect(new Date(message.string('time')).toISOString()).toBe(message.string('time'));
}

function ngc(octets: Uint8Array): { readonly body: string } {
  return { body: JSON.stringify({ kngc: Buffer.from(octets).toString('base64') }) };
}

function smallRsaKey(): Uint8Array {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const modulus = Buffer.from(publicKey.export({ format: 'jwk' }).n ?? '', 'base64url');
  return Buffer.concat([
    Buffer.from('525341310004000003000000800000000000000000000000010001', 'hex'),
    modulus,
  ]);
}

function offCurveKey(): Uint8Array {
  const octets = Uint8Array.from(encodeNgcKey(PublicKey.parse(newPublicKey())));
  octets.set([(octets.at(-1) ?? 0) ^ 1], octets.length - 1);
  return octets;
}
