import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { createOcspRequest, type Certificate, type OcspResponder } from '@countersign/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  certificateInState,
  createOcspService,
  states,
  type OcspService,
  type State,
} from './ocsp-fixture.ts';
import { hasOpenssl, OpensslFolder } from './openssl.ts';

/** `openssl ocsp` asks our responder over HTTP and verifies what it answers. */

const verdicts: Readonly<Record<State, RegExp>> = {
  good: /certificate\.pem: good/,
  revoked: /certificate\.pem: revoked[^]*Reason: keyCompromise[^]*Revocation Time: /,
  held: /certificate\.pem: revoked[^]*Reason: certificateHold[^]*Revocation Time: /,
  unknown: /certificate\.pem: unknown/,
};

describe.runIf(hasOpenssl)('openssl ocsp as the client of our responder', () => {
  test.each(states)('is told by the delegated responder that a certificate is %s', async (state) => {
    const service = await createOcspService();
    const said = await ask(service, service.responder(), await certificateInState(service, state));
    expect(said).toContain('Response verify OK');
    expect(said).toMatch(verdicts[state]);
    expect(said).not.toMatch(/WARNING|rror/);
  });

  test.each(states)('is told by the CA itself that a certificate is %s', async (state) => {
    const service = await createOcspService();
    const { caKey: key, ca } = service;
    const responder = service.responder({ key, certificate: ca.certificate });
    const said = await ask(service, responder, await certificateInState(service, state));
    expect(said).toContain('Response verify OK');
    expect(said).toMatch(verdicts[state]);
  });

  test.each(['p384', 'rsa2048', 'ed25519'] as const)(
    'accepts a responder with a key of %s',
    async (algorithm) => {
      const service = await createOcspService({ ca: algorithm, responder: algorithm });
      const said = await ask(service, service.responder(), await service.issue());
      expect(said).toContain('Response verify OK');
      expect(said).toContain('certificate.pem: good');
    },
  );

  test.each(['-sha1', '-sha256', '-sha384', '-sha512'])('may hash the issuer with %s', async (hash) => {
    const service = await createOcspService();
    const said = await ask(
      service,
      service.responder({ responderId: 'byName' }),
      await service.issue(),
      hash,
    );
    expect(said).toContain('certificate.pem: good');
  });

  test('is answered without a nonce if it sends none', async () => {
    const service = await createOcspService();
    const said = await ask(service, service.responder(), await service.issue(), '-no_nonce', '-resp_text');
    expect(said).toContain('Response verify OK');
    expect(said).not.toContain('OCSP Nonce');
  });

  test('is answered for several certificates at once', async () => {
    const service = await createOcspService();
    const [good, held] = [await service.issue(), await certificateInState(service, 'held')];
    const said = await ask(service, service.responder(), good, '-serial', `0x${held.serialNumber}`);
    expect(said).toMatch(/certificate\.pem: good/);
    expect(said).toMatch(new RegExp(`0x${held.serialNumber}: revoked[^]*certificateHold`));
  });

  test('learns that the responder does not speak for another CA', async () => {
    const [service, other] = [await createOcspService(), await createOcspService({ ca: 'p384' })];
    const said = await ask(other, service.responder(), await other.issue());
    expect(said).toContain('Responder Error: unauthorized (6)');
  });

  test('refuses our answer if the responder was never meant to give it', async () => {
    // The same CA name, another key: what it signs must not pass for the first one's word.
    const [service, impostor] = [await createOcspService(), await createOcspService()];
    const { key, certificate } = { key: impostor.caKey, certificate: impostor.ca.certificate };
    const responder = impostor.responder({ key, certificate });
    const said = await ask(
      service,
      { respond: async () => responder.respond(await requestOf(impostor)) },
      await service.issue(),
    );
    expect(said).toContain('Response Verify Failure');
  });
});

/** What `openssl ocsp` says of a certificate after it has asked; it trusts the service's CA. */
async function ask(
  { ca }: OcspService,
  responder: Pick<OcspResponder, 'respond'>,
  certificate: Certificate,
  ...options: readonly string[]
): Promise<string> {
  const folder = await OpensslFolder.create();
  await folder.writeCertificates('ca.pem', ca.certificate);
  await folder.writeCertificates('certificate.pem', certificate);
  const url = await serve(responder);
  // A hash holds for the certificates named after it.
  const hash = options.filter((option) => /^-sha\d+$/.test(option));
  const rest = options.filter((option) => !hash.includes(option));
  const question = ['-issuer', 'ca.pem', ...hash, '-cert', 'certificate.pem', ...rest];
  return (await folder.openssl('ocsp', '-CAfile', 'ca.pem', '-url', url, ...question)).said;
}

async function requestOf(service: OcspService): Promise<Uint8Array> {
  return createOcspRequest({ certificates: [await service.issue()], issuer: service.ca.certificate });
}

/** RFC 6960 A.1. @returns the URL */
async function serve(responder: Pick<OcspResponder, 'respond'>): Promise<string> {
  const server = createServer((request, response) => {
    void buffer(request)
      .then(async (body) => responder.respond(Uint8Array.from(body)))
      .then(({ der }) => response.setHeader('Content-Type', 'application/ocsp-response').end(der));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return `http://127.0.0.1:${address.port}/`;
}
