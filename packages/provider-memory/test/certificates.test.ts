import { execFileSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MemoryProvider } from '@countersign/provider-memory';
import { expect, test } from 'vitest';
import { quickProvider, utf8 } from './quick-provider.ts';
import { refusal } from './refusal.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const pin = utf8('123456');

const places = [
  ['in a directory', async () => quickProvider({ storeDirectory: await temporaryDirectory() })],
  ['in the process only', async () => quickProvider()],
] as const;

test.each(places)('%s: certificates lie beside their keys', async (_, make) => {
  const provider = await make();
  const key = await provider.generate({ algorithm: 'p256', pin });
  const bare = await provider.generate({ algorithm: 'rsa2048', pin });
  const certificate = await certificateFor(key.publicKey);
  expect(await provider.getCertificate(key.ref)).toBeUndefined();
  await provider.putCertificate(key.ref, certificate);
  expect(await provider.getCertificate(key.ref)).toEqual(certificate);
  expect(await provider.getCertificate(bare.ref)).toBeUndefined();
  expect(await provider.listCertificates()).toEqual([{ ref: key.ref, certificate }]);
  const renewed = await certificateFor(key.publicKey);
  await provider.putCertificate(key.ref, renewed);
  expect(await provider.getCertificate(key.ref)).toEqual(renewed);
  await provider.removeCertificate(key.ref);
  await provider.removeCertificate(key.ref);
  expect(await provider.getCertificate(key.ref)).toBeUndefined();
  expect(await provider.listCertificates()).toEqual([]);
});

test.each(places)('%s: a certificate of another key, or none at all, is refused', async (_, make) => {
  const provider = await make();
  const key = await provider.generate({ algorithm: 'p256', pin });
  const other = await provider.generate({ algorithm: 'p256', pin });
  const certificate = await certificateFor(key.publicKey);
  await provider.putCertificate(key.ref, certificate);
  expect(await codeOfPut(provider, key.ref, await certificateFor(other.publicKey))).toBe(
    'CERTIFICATE_KEY_MISMATCH',
  );
  const pem = `-----BEGIN CERTIFICATE-----\n${Buffer.from(certificate).toString('base64')}\n-----END CERTIFICATE-----\n`;
  const malformed = [
    new Uint8Array(),
    utf8('hello'),
    certificate.subarray(0, -1),
    Uint8Array.of(...certificate, 0),
    utf8(pem),
    key.publicKey,
  ];
  for (const bytes of malformed) expect(await codeOfPut(provider, key.ref, bytes)).toBe('DER_MALFORMED');
  expect(await codeOfPut(provider, `memory:id=${'0'.repeat(32)}`, certificate)).toBe('KEY_NOT_FOUND');
  expect(await provider.getCertificate(key.ref)).toEqual(certificate);
});

test('destroying a key takes its certificate with it', async () => {
  const storeDirectory = await temporaryDirectory();
  const provider = await quickProvider({ storeDirectory });
  const key = await provider.generate({ algorithm: 'ed25519', pin });
  await provider.putCertificate(key.ref, await certificateFor(key.publicKey));
  const names = await readdir(storeDirectory);
  expect(names.map((name) => name.slice(32)).toSorted()).toEqual(['.certificate.der', '.key.json']);
  await provider.destroy(key.ref);
  expect(await readdir(storeDirectory)).toEqual([]);
});

/** A certificate for a public key alone, from an issuer made for it. */
async function certificateFor(publicKey: Uint8Array): Promise<Uint8Array> {
  const cwd = await temporaryDirectory();
  const pem = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  await writeFile(join(cwd, 'subject.pem'), pem.export({ format: 'pem', type: 'spki' }));
  const openssl = (line: string): void => {
    execFileSync('openssl', line.split(' '), { cwd, stdio: 'pipe' });
  };
  openssl('genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ca.key');
  openssl('req -x509 -new -key ca.key -subj /CN=Issuer -days 1 -out ca.pem');
  openssl('req -new -key ca.key -subj /CN=Subject -out subject.csr');
  openssl(
    'x509 -req -in subject.csr -force_pubkey subject.pem -CA ca.pem -CAkey ca.key -days 1 -outform DER -out subject.der',
  );
  return Uint8Array.from(await readFile(join(cwd, 'subject.der')));
}

async function codeOfPut(provider: MemoryProvider, ref: string, certificate: Uint8Array): Promise<string> {
  return (await refusal(async () => provider.putCertificate(ref, certificate))).code;
}
