import { execFile } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parsePkcs11Uri } from '@countersign/provider-pkcs11';
import { beforeAll, expect, test } from 'vitest';
import { makeCertificate } from './make-certificate.ts';
import { providerOn, softHsm, userPin, utf8, type ModuleUnderTest } from './module-under-test.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { verifies } from './verifies.ts';

const run = promisify(execFile);
const pin = utf8(userPin);
const message = utf8('a message for all');
let module: ModuleUnderTest;

beforeAll(async () => {
  module = await softHsm();
});

test('pkcs11-tool sees key and certificate under one id, with the right attributes', async () => {
  const provider = await providerOn(module);
  const key = await provider.generate({ algorithm: 'p256', label: 'shown', pin });
  await provider.putCertificate(key.ref, await makeCertificate(key, 'Alice'));
  const id = idOf(key.ref);
  const listing = await pkcs11Tool('--list-objects', '--login', '--id', id);
  const blocks = listing.split(/\n(?=\S)/).filter((block) => block.includes(id));
  expect(
    blocks.map((block) => block.split(/[;\n]/, 1).join('')).toSorted((a, b) => a.localeCompare(b)),
  ).toEqual(['Certificate Object', 'Private Key Object', 'Public Key Object']);
  expect(blocks.every((block) => /label: +shown\n/.test(block))).toBe(true);
  const privateKey = blocks.find((block) => block.startsWith('Private')) ?? '';
  expect(privateKey).toMatch(/Usage: +sign\n/);
  expect(privateKey).toMatch(/Access: +sensitive, always sensitive, never extract?able, local/);
  expect(blocks.find((block) => block.startsWith('Certificate'))).toMatch(/CN=Alice/);
  const claims = await key.originClaims();
  expect(claims).toMatchObject({
    local: true,
    alwaysSensitive: true,
    neverExtractable: true,
    generationMechanism: 'CKM_EC_KEY_PAIR_GEN',
  });
  await provider.destroy(key.ref);
  expect(await pkcs11Tool('--list-objects', '--login')).not.toContain(id);
});

test('pkcs11-tool signs with a key made here, and openssl finds the signatures of both right', async () => {
  const provider = await providerOn(module);
  const directory = await temporaryDirectory();
  const [data, signatureFile, publicKeyFile] = ['data', 'signature', 'public.pem'].map((n) =>
    join(directory, n),
  );
  if (data === undefined || signatureFile === undefined || publicKeyFile === undefined)
    return expect.unreachable();
  await writeFile(data, message);
  for (const [algorithm, mechanism, scheme] of [
    ['p384', 'ECDSA-SHA256', 'ecdsa-sha256'],
    ['rsa2048', 'SHA256-RSA-PKCS', 'rsa-pkcs1-sha256'],
  ] as const) {
    const key = await provider.generate({ algorithm, label: `both ${algorithm}`, pin });
    const spki = createPublicKey({ key: Buffer.from(key.publicKey), format: 'der', type: 'spki' });
    await writeFile(publicKeyFile, spki.export({ format: 'pem', type: 'spki' }));
    const openssl = ['dgst', '-sha256', '-verify', publicKeyFile, '-signature', signatureFile, data];
    await writeFile(signatureFile, await key.sign(scheme, message));
    expect((await run('openssl', openssl)).stdout).toContain('Verified OK');
    if (algorithm === 'rsa2048') {
      const args = ['--sign', '--login', '--id', idOf(key.ref), '--mechanism', mechanism];
      await pkcs11Tool(...args, '--input-file', data, '--output-file', signatureFile);
      expect((await run('openssl', openssl)).stdout).toContain('Verified OK');
      expect(verifies(scheme, key.publicKey, message, await readFile(signatureFile))).toBe(true);
    }
    await provider.destroy(key.ref);
  }
});

test('a key and a certificate that pkcs11-tool wrote are used here', async () => {
  await pkcs11Tool(
    '--keypairgen',
    '--login',
    '--key-type',
    'EC:secp256r1',
    '--id',
    'a1b2',
    '--label',
    'foreign',
  );
  const provider = await providerOn(module);
  const key = await provider.open('pkcs11:object=foreign;id=%A1%B2');
  await key.unlock(pin);
  expect(verifies('ecdsa-sha256', key.publicKey, message, await key.sign('ecdsa-sha256', message))).toBe(
    true,
  );
  const file = join(await temporaryDirectory(), 'certificate.der');
  const certificate = await makeCertificate(key, 'Foreign');
  await writeFile(file, certificate);
  await pkcs11Tool('--write-object', file, '--type', 'cert', '--login', '--id', 'a1b2', '--label', 'foreign');
  expect(await provider.getCertificate(key.ref)).toEqual(certificate);
  expect(await provider.listCertificates()).toEqual([{ ref: key.ref, certificate }]);
  await provider.destroy(key.ref);
  expect(await pkcs11Tool('--list-objects', '--login')).not.toContain('foreign');
});

function idOf(ref: string): string {
  return Buffer.from(parsePkcs11Uri(ref).id ?? []).toString('hex');
}

async function pkcs11Tool(...args: readonly string[]): Promise<string> {
  const common = ['--module', module.modulePath, '--token-label', module.tokenLabel, '--pin', userPin];
  const { stdout } = await run('pkcs11-tool', [...common, ...args], {
    env: { ...process.env, ...module.environment },
  });
  return stdout;
}
