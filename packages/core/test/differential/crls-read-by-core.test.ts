import { createRootCertificate } from '@countersign/core';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cases, timeoutMs } from './cases.ts';
import { coreName, withOneScheme } from './core-chain.ts';
import * as core from './core-reader.ts';
import { crlCase, expectedCrl, type CrlCase } from './crl-cases.ts';
import { opensslReasons, writeWithOpenssl, writeWithPeculiar, writeWithPkijs } from './crl-writers.ts';
import { hasOpenssl, OpensslFiles } from './openssl.ts';
import { createSigners, type Signer } from './software-key.ts';

let signers: readonly Signer[];
const files = new OpensslFiles();

beforeAll(async () => {
  signers = await createSigners(['p256', 'p384', 'p521', 'ed25519', 'rsa2048', 'rsa3072']);
});

afterAll(() => files.remove());

test('core reads what @peculiar/x509 wrote into a CRL', { timeout: timeoutMs }, async () => {
  // Without a reason, @peculiar/x509 2.2.0 gives an entry an empty list of extensions, which is SIZE (1..MAX).
  await everyCrl(crlCase(signers).map(withReasons), writeWithPeculiar);
});

test('core reads what pkijs wrote into a CRL', { timeout: timeoutMs }, async () => {
  // pkijs 4.0.0 knows no Ed25519.
  await everyCrl(crlCase(signers.filter(({ scheme }) => scheme !== 'ed25519')), writeWithPkijs);
});

test.runIf(hasOpenssl)('core reads what openssl wrote into a CRL', { timeout: timeoutMs }, async () => {
  const writable = crlCase(signers).map(inOrderAndWritable);
  await everyCrl(writable, (crl, ca) => Promise.resolve(writeWithOpenssl(files, crl, ca)));
});

async function everyCrl(
  anyCrl: fc.Arbitrary<CrlCase>,
  write: (crl: CrlCase, ca: Uint8Array) => Promise<Uint8Array>,
): Promise<void> {
  const property = fc.asyncProperty(anyCrl, async (crl) => {
    const ca = await createRootCertificate(withOneScheme(crl.ca), coreName(crl.caName), crl.thisUpdate);
    expect(core.readCrl(await write(crl, ca.der), ca.der)).toEqual(expectedCrl(crl));
  });
  await fc.assert(property, cases);
}

function withReasons(crl: CrlCase): CrlCase {
  const revoked = crl.revoked.filter(({ reason }) => reason !== 'unspecified');
  return { ...crl, revoked };
}

/** `openssl ca` sorts by serial number, has no words for two of the reasons, and its index ends with UTCTime in 2049. */
function inOrderAndWritable(crl: CrlCase): CrlCase {
  const revoked = crl.revoked
    .filter(
      ({ reason, revokedAt }) => opensslReasons[reason] !== undefined && revokedAt.getUTCFullYear() < 2050,
    )
    .sort((a, b) => (BigInt(`0x${a.serialNumber}`) < BigInt(`0x${b.serialNumber}`) ? -1 : 1));
  return { ...crl, revoked };
}
