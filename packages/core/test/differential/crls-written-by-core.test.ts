import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cases, timeoutMs } from './cases.ts';
import { writeCrl } from './core-crl.ts';
import { crlCase, expectedCrl } from './crl-cases.ts';
import * as openssl from './openssl-crl-reader.ts';
import { hasOpenssl, OpensslFiles } from './openssl.ts';
import * as peculiar from './peculiar-reader.ts';
import * as pkijs from './pkijs-reader.ts';
import { createSigners, type Signer } from './software-key.ts';
import type { CrlValues } from './values.ts';

let signers: readonly Signer[];
const files = new OpensslFiles();

beforeAll(async () => {
  signers = await createSigners(['p256', 'p384', 'p521', 'ed25519', 'rsa2048', 'rsa3072']);
});

afterAll(() => files.remove());

test('@peculiar/x509 reads what core wrote into a CRL', { timeout: timeoutMs }, async () => {
  await everyCrl(signers, peculiar.readCrl);
});

test('pkijs reads what core wrote into a CRL', { timeout: timeoutMs }, async () => {
  // pkijs 4.0.0 knows no Ed25519.
  await everyCrl(
    signers.filter(({ scheme }) => scheme !== 'ed25519'),
    pkijs.readCrl,
  );
});

test.runIf(hasOpenssl)('openssl reads what core wrote into a CRL', { timeout: timeoutMs }, async () => {
  await everyCrl(signers, (crl, ca) => openssl.readCrl(files, crl, ca));
});

async function everyCrl(
  from: readonly Signer[],
  read: (crl: Uint8Array, ca: Uint8Array) => CrlValues | Promise<CrlValues>,
): Promise<void> {
  const property = fc.asyncProperty(crlCase(from), async (crl) => {
    const written = await writeCrl(crl);
    expect(await read(written.crl, written.ca)).toEqual(expectedCrl(crl));
  });
  await fc.assert(property, cases);
}
