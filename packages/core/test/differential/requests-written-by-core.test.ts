import * as fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { cases, timeoutMs } from './cases.ts';
import * as core from './core-reader.ts';
import { writeRequest } from './core-writer.ts';
import * as openssl from './openssl-request-reader.ts';
import { hasOpenssl } from './openssl.ts';
import * as peculiar from './peculiar-reader.ts';
import * as pkijs from './pkijs-reader.ts';
import { expectedRequest, requestCase } from './request-cases.ts';
import { createSigners, type Signer } from './software-key.ts';

let signers: readonly Signer[];

beforeAll(async () => {
  signers = await createSigners(['p256', 'p384', 'p521', 'ed25519', 'rsa2048', 'rsa3072', 'rsa4096']);
});

test('@peculiar/x509 reads what core wrote into a request', { timeout: timeoutMs }, async () => {
  await everyRequest(signers, peculiar.readRequest);
});

test('pkijs reads what core wrote into a request', { timeout: timeoutMs }, async () => {
  // pkijs 4.0.0 knows no Ed25519.
  await everyRequest(
    signers.filter(({ scheme }) => scheme !== 'ed25519'),
    pkijs.readRequest,
  );
});

test.runIf(hasOpenssl)('openssl reads what core wrote into a request', { timeout: timeoutMs }, async () => {
  await everyRequest(signers, openssl.readRequest);
});

async function everyRequest(from: readonly Signer[], read: (der: Uint8Array) => unknown): Promise<void> {
  const property = fc.asyncProperty(requestCase(from), async (request) => {
    const der = await writeRequest(request);
    expect(await read(der)).toEqual(expectedRequest(request));
    expect(core.readRequest(der)).toEqual(expectedRequest(request));
  });
  await fc.assert(property, cases);
}
