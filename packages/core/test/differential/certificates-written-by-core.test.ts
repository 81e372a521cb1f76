import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cases, timeoutMs } from './cases.ts';
import { chainCase } from './certificate-cases.ts';
import { expectedChain, writeChain } from './core-chain.ts';
import * as core from './core-reader.ts';
import * as openssl from './openssl-certificate-reader.ts';
import { hasOpenssl, OpensslFiles } from './openssl.ts';
import * as peculiar from './peculiar-reader.ts';
import * as pkijs from './pkijs-reader.ts';
import { createSigners, type Signer } from './software-key.ts';
import type { CertificateValues } from './values.ts';

let signers: readonly Signer[];
const files = new OpensslFiles();

beforeAll(async () => {
  signers = await createSigners(['p256', 'p384', 'p521', 'ed25519', 'rsa2048', 'rsa3072'], 4);
});

afterAll(() => files.remove());

test(
  '@peculiar/x509 reads what core wrote into certificates of every profile',
  { timeout: timeoutMs },
  async () => {
    await everyChain(signers, oneByOne(peculiar.readCertificate));
  },
);

test('pkijs reads what core wrote into certificates of every profile', { timeout: timeoutMs }, async () => {
  // pkijs 4.0.0 knows no Ed25519.
  const others = signers.filter(({ scheme }) => scheme !== 'ed25519');
  await everyChain(others, oneByOne(pkijs.readCertificate));
});

test.runIf(hasOpenssl)(
  'openssl reads what core wrote into certificates of every profile',
  { timeout: timeoutMs },
  async () => {
    await everyChain(signers, (certificates, issuer) =>
      openssl.readCertificates(files, certificates, issuer),
    );
  },
);

type Read = (
  certificates: readonly Uint8Array[],
  issuer: Uint8Array,
) => CertificateValues[] | Promise<CertificateValues[]>;

function oneByOne(read: (der: Uint8Array, issuer: Uint8Array) => Promise<CertificateValues>): Read {
  return (certificates, issuer) => Promise.all(certificates.map((der) => read(der, issuer)));
}

/** A case is a CA with one certificate of each other profile. */
async function everyChain(from: readonly Signer[], read: Read): Promise<void> {
  const property = fc.asyncProperty(chainCase(from), async (chain) => {
    const written = await writeChain(chain);
    const { ca, agent, kdc, helloLogon } = written;
    const certificates = [ca, agent, kdc, helloLogon].map(({ der }) => der);
    const expected = expectedChain(chain, written);
    expect(await read(certificates, ca.der)).toEqual(expected);
    expect(certificates.map((der) => core.readCertificate(der, ca.der))).toEqual(expected.map(asCoreReads));
  });
  await fc.assert(property, cases);
}

/** Core writes distribution points and access descriptions but has no need to read them. */
function asCoreReads(values: CertificateValues): CertificateValues {
  const { crlUris: _crlUris, caIssuersUris: _caIssuersUris, ...meaning } = values.meaning;
  return { ...values, meaning };
}
