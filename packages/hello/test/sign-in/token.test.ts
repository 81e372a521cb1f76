import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeCredentialCache } from '@countersign/hello/sign-in';
import { createPkcs11Provider, formatPkcs11Uri, type Pkcs11Provider } from '@countersign/provider-pkcs11';
import { expect, onTestFinished, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { aliceSignsIn } from './alice-signs-in.ts';
import { runWithCache, startMitKdc } from './mit-kdc.ts';
import { createTestPki, realm } from './test-pki.ts';

const userPin = '482913';
const pin = new TextEncoder().encode(userPin);

test.for(['rsa2048', 'p256'] as const)('a %s key in a PKCS#11 token signs in', async (algorithm) => {
  const pki = await createTestPki();
  const kdc = await startMitKdc({ ...(await pki.issueKdc()), anchors: [pki.caCertificate] });
  const provider = await softHsm();
  const key = await provider.generate({ algorithm, label: 'alice', pin });
  const certificate = await pki.enroll(key, 'alice');
  const cache = join(kdc.folder, 'cache');
  await writeCredentialCache(cache, await aliceSignsIn({ pki, key, certificate }, kdc.address));
  expect(await runWithCache(kdc, cache, 'kvno', 'HTTP/web')).toContain(`HTTP/web@${realm}: kvno = 1`);
});

test('a locked key does not sign in', async () => {
  const pki = await createTestPki();
  const kdc = await startMitKdc({ ...(await pki.issueKdc()), anchors: [pki.caCertificate] });
  const provider = await softHsm();
  const key = await provider.generate({ algorithm: 'p256', label: 'alice', pin });
  const certificate = await pki.enroll(key, 'alice');
  key.lock();
  await refusal(aliceSignsIn({ pki, key, certificate }, kdc.address), 'PIN_REQUIRED');
  await key.unlock(pin);
  await aliceSignsIn({ pki, key, certificate }, kdc.address);
});

async function softHsm(): Promise<Pkcs11Provider> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-token-'));
  onTestFinished(async () => rm(folder, { recursive: true, force: true }));
  const configuration = join(folder, 'softhsm2.conf');
  await mkdir(join(folder, 'tokens'));
  await writeFile(configuration, `directories.tokendir = ${join(folder, 'tokens')}\nlog.level = ERROR\n`);
  process.env['SOFTHSM2_CONF'] = configuration;
  const pins = ['--so-pin', '12345678', '--pin', userPin];
  const initialize = ['--init-token', '--free', '--label', 'alice', ...pins];
  await promisify(execFile)('softhsm2-util', initialize);
  const modulePath = '/usr/lib/softhsm/libsofthsm2.so';
  const provider = await createPkcs11Provider({ uri: formatPkcs11Uri({ token: 'alice', modulePath }) });
  onTestFinished(async () => provider.close());
  return provider;
}
