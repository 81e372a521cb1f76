import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cases, timeoutMs } from './cases.ts';
import * as core from './core-reader.ts';
import * as openssl from './openssl-writer.ts';
import { hasOpenssl, OpensslFiles } from './openssl.ts';
import * as peculiar from './peculiar-writer.ts';
import * as pkijs from './pkijs-writer.ts';
import { expectedRequest, requestCase, type RequestCase } from './request-cases.ts';
import { createSigners, type Signer } from './software-key.ts';

let signers: readonly Signer[];
const files = new OpensslFiles();

beforeAll(async () => {
  signers = await createSigners(['p256', 'p384', 'p521', 'ed25519', 'rsa2048', 'rsa3072', 'rsa4096']);
});

afterAll(() => files.remove());

test('core reads what @peculiar/x509 wrote into a request', { timeout: timeoutMs }, async () => {
  await everyRequest(requestCase(signers), peculiar.writeRequest);
});

test('core reads what pkijs wrote into a request', { timeout: timeoutMs }, async () => {
  // pkijs 4.0.0 knows no Ed25519.
  const others = signers.filter(({ scheme }) => scheme !== 'ed25519');
  await everyRequest(requestCase(others), pkijs.writeRequest);
});

test.runIf(hasOpenssl)('core reads what openssl wrote into a request', { timeout: timeoutMs }, async () => {
  await everyRequest(openssl.opensslRequestCase(signers), (request) => openssl.writeRequest(files, request));
});

async function everyRequest(
  requests: fc.Arbitrary<RequestCase>,
  write: (request: RequestCase) => Uint8Array | Promise<Uint8Array>,
): Promise<void> {
  const property = fc.asyncProperty(requests, async (request) => {
    expect(core.readRequest(await write(request))).toEqual(expectedRequest(request));
  });
  await fc.assert(property, cases);
}
