import {
  createCertificatesOnly,
  createCertificationRequest,
  type Certificate,
  type Key,
} from '@countersign/core';
import { decodeJwt } from 'jose';
import { describe, expect, test } from 'vitest';
import { CertificateEnrollment, RaClient } from '../../src/ra-service/index.ts';
import { sealResponse } from '../../src/ra-service/session-key.ts';
import { alice } from '../people.ts';
import { refusal } from '../refusal.ts';
import { startRa } from '../network/ra-fixture.ts';
import { bob } from '../network/registration-fixture.ts';
import { startRogueService } from '../network/rogue-service.ts';
import { softwareKey } from '../network/software-key.ts';

const capabilities = ['kdf_ver2', 'winhello_cert', 'winhello_cert_kr'];
const sessionKey = new Uint8Array(32).fill(7);
const token = { token: 'a.b.c.d.e', sessionKey };

function metadata(baseUrl: string, changes: object = {}): string {
  return JSON.stringify({ token_endpoint: `${baseUrl}/token`, capabilities, ...changes });
}

/** A client, and a service whose metadata and nonces are sound and whose certificates are what `x5c` makes of them. */
async function clientOf(
  x5c: (certificates: readonly Certificate[]) => Promise<string>,
  certificates: readonly Certificate[] = [],
): Promise<RaClient> {
  const { url, ca } = await startRogueService(async ({ url: path, body }, baseUrl) => {
    if (path.pathname !== '/token') return { status: 200, body: metadata(baseUrl) };
    const isNonce = Buffer.from(body).toString().includes('srv_challenge');
    return { status: 200, body: isNonce ? '{"Nonce":"abc"}' : await x5c(certificates) };
  });
  return new RaClient({ url, ca });
}

async function sealedChain(certificates: readonly Certificate[]): Promise<string> {
  const x5c = Buffer.from(createCertificatesOnly(certificates)).toString('base64');
  return sealResponse({ token_type: 'bearer', x5c }, sessionKey);
}

/** A certificate that a CA issued for this key, for Alice. */
async function certificateFor(key: Key): Promise<Certificate> {
  const { premises, options } = await startRa();
  await premises.registerKey(alice.upn, key.publicKey);
  const csr = await createCertificationRequest(key);
  return (await new CertificateEnrollment(options).enroll({ ...alice, csr })).certificate;
}

describe('a client takes no certificate', () => {
  test('for another user, or for another key', async () => {
    const key = await softwareKey('p256');
    const certificate = await certificateFor(key);
    const csr = await createCertificationRequest(key);
    const client = await clientOf(sealedChain, [certificate]);
    const received = await client.enroll({ upn: alice.upn, csr, token });
    expect(received.certificate.der).toEqual(certificate.der);
    await refusal(client.enroll({ upn: bob.upn, csr, token }), 'RESPONSE_MISMATCH');
    const other = await createCertificationRequest(await softwareKey('p256'));
    await refusal(client.enroll({ upn: alice.upn, csr: other, token }), 'MESSAGE_MALFORMED');
  });

  test('that is not encrypted for its session', async () => {
    const csr = await createCertificationRequest(await softwareKey('p256'));
    const foreign = new Uint8Array(32).fill(8);
    const clients = [
      await clientOf(async () => sealResponse({ x5c: '' }, foreign)),
      await clientOf(async () => Promise.resolve('{"x5c":"AAAA"}')),
    ];
    for (const client of clients) {
      await refusal(client.enroll({ upn: alice.upn, csr, token }), 'MESSAGE_MALFORMED');
    }
  });

  test.each([
    ['no chain', {}, 'MESSAGE_MALFORMED'],
    ['a chain that is no base64', { x5c: '?' }, 'MESSAGE_MALFORMED'],
    ['a chain that is no CMS', { x5c: 'MAA=' }, 'DER_MALFORMED'],
    ['an array as JOSE has it', { x5c: ['MAA='] }, 'MESSAGE_MALFORMED'],
  ] as const)('where there is %s', async (_, content, code) => {
    const csr = await createCertificationRequest(await softwareKey('p256'));
    const client = await clientOf(async () => sealResponse(content, sessionKey));
    await refusal(client.enroll({ upn: alice.upn, csr, token }), code);
  });
});

describe('a client sends its token nowhere', () => {
  test.each([
    ['the service enrolls nobody', { capabilities: ['kdf_ver2'] }, 'SERVICE_REFUSED'],
    ['the service knows no kdf_ver2', { capabilities: ['winhello_cert'] }, 'SERVICE_REFUSED'],
    ['the metadata names another host', { token_endpoint: 'https://127.0.0.2/token' }, 'SERVICE_REFUSED'],
    ['the metadata names no https', { token_endpoint: 'http://127.0.0.1/token' }, 'SERVICE_REFUSED'],
    ['the metadata names no address', { token_endpoint: '/token' }, 'SERVICE_REFUSED'],
    ['the metadata names nothing', { token_endpoint: undefined }, 'MESSAGE_MALFORMED'],
  ] as const)('when %s', async (_, changes, code) => {
    const csr = await createCertificationRequest(await softwareKey('p256'));
    const service = await startRogueService((_request, baseUrl) => ({
      status: 200,
      body: metadata(baseUrl, changes),
    }));
    const client = new RaClient({ url: service.url, ca: service.ca });
    await refusal(client.enroll({ upn: alice.upn, csr, token }), code);
    expect(service.requests).toHaveLength(1);
  });

  test('nor a receipt to a service that takes none', async () => {
    const csr = await createCertificationRequest(await softwareKey('p256'));
    for (const [known, isSent] of [
      [capabilities, true],
      [['kdf_ver2', 'winhello_cert'], false],
    ] as const) {
      const service = await startRogueService(({ url }, baseUrl) => ({
        status: 200,
        body: url.pathname === '/token' ? '{"Nonce":"abc"}' : metadata(baseUrl, { capabilities: known }),
      }));
      const client = new RaClient({ url: service.url, ca: service.ca });
      await refusal(client.enroll({ upn: alice.upn, csr, krctx: 'receipt', token }), 'MESSAGE_MALFORMED');
      const form = new URLSearchParams(Buffer.from(service.requests[2]?.body ?? '').toString());
      expect('krctx' in decodeJwt(form.get('request') ?? '')).toBe(isSent);
    }
  });

  test.each([
    [502, '<html>', 'SERVICE_REFUSED'],
    [302, '', 'SERVICE_REFUSED'],
    [200, '<html>', 'MESSAGE_MALFORMED'],
    [400, '{"error":"invalid_grant","error_description":"x","code":"STATE_DAMAGED"}', 'SERVICE_REFUSED'],
    [400, '{"error":"invalid_grant","error_description":"x","code":"NONCE_STALE","hint":"y"}', 'NONCE_STALE'],
    [200, ' '.repeat(300 * 1024), 'INPUT_TOO_LARGE'],
  ] as const)('when the service answers %i %j', async (status, body, code) => {
    const { url, ca } = await startRogueService(() => ({
      status,
      body,
      headers: { location: 'https://127.0.0.2/' },
    }));
    await refusal(new RaClient({ url, ca }).metadata(), code);
  });
});
