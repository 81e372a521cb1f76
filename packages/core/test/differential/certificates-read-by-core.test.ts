import { createRootCertificate } from '@countersign/core';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cases, timeoutMs } from './cases.ts';
import { coreName, withOneScheme } from './core-chain.ts';
import * as core from './core-reader.ts';
import { expectedIssued, issuedCase, type IssuedCase } from './issued-cases.ts';
import * as openssl from './openssl-certificate-writer.ts';
import { hasOpenssl, OpensslFiles } from './openssl.ts';
import * as peculiar from './peculiar-certificate-writer.ts';
import * as pkijs from './pkijs-certificate-writer.ts';
import { createSigners, type Signer } from './software-key.ts';

let signers: readonly Signer[];
const files = new OpensslFiles();

beforeAll(async () => {
  signers = await createSigners(['p256', 'p384', 'p521', 'ed25519', 'rsa2048', 'rsa3072']);
});

afterAll(() => files.remove());

test('core reads what @peculiar/x509 wrote into a certificate', { timeout: timeoutMs }, async () => {
  await everyCertificate(signers, peculiar.issue);
});

test('core reads what pkijs wrote into a certificate', { timeout: timeoutMs }, async () => {
  // pkijs 4.0.0 knows no Ed25519.
  await everyCertificate(
    signers.filter(({ scheme }) => scheme !== 'ed25519'),
    pkijs.issue,
  );
});

test.runIf(hasOpenssl)(
  'core reads what openssl wrote into a certificate',
  { timeout: timeoutMs },
  async () => {
    await everyCertificate(signers, (issued, issuer) => openssl.issue(files, issued, issuer));
  },
);

async function everyCertificate(
  issuers: readonly Signer[],
  issue: (issued: IssuedCase, issuerCertificate: Uint8Array) => Promise<Uint8Array>,
): Promise<void> {
  const property = fc.asyncProperty(issuedCase(issuers, signers), async (issued) => {
    const issuer = await createRootCertificate(
      withOneScheme(issued.issuer),
      coreName(issued.issuerName),
      issued.notBefore,
    );
    const der = await issue(issued, issuer.der);
    expect(core.readCertificate(der, issuer.der)).toEqual(expectedIssued(issued));
  });
  await fc.assert(property, cases);
}
