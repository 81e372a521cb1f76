import { once } from 'node:events';
import { readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { startMitKdc, startSambaDomain, type MitKdcOptions } from '@countersign/hello/trial-domain';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startChild } from '../children/start-child.ts';
import { refusal } from '../refusal.ts';
import { createTestPki } from '../sign-in/test-pki.ts';
import { temporaryDirectory } from '../temporary-directory.ts';

test('what is missing is named, with the packages that have it', async () => {
  vi.stubEnv('PATH', '/nonexistent');
  onTestFinished(() => void vi.unstubAllEnvs());
  const samba = await refusal(startSambaDomain(), 'TRIAL_DOMAIN_NOT_AVAILABLE');
  expect(samba.message).toContain('samba-tool');
  expect(samba.hint).toMatch(/scripts\/setup\.sh --full.*apt-get install .*samba-common-bin/u);
  const kdc = await refusal(startMitKdc(await kdcOptions()), 'TRIAL_DOMAIN_NOT_AVAILABLE');
  expect(kdc.message).toMatch(/KDC of MIT Kerberos.*setpriv/u);
});

test('a domain controller needs root', async () => {
  const getuid = vi.spyOn(process, 'getuid').mockReturnValue(1000);
  onTestFinished(() => getuid.mockRestore());
  const error = await refusal(startSambaDomain(), 'TRIAL_DOMAIN_NOT_AVAILABLE');
  expect(error.message).toContain('needs root');
});

test('a KDC that cannot be had as asked for says why, and leaves nothing', async () => {
  const folder = await temporaryDirectory();
  vi.stubEnv('TMPDIR', folder);
  onTestFinished(() => void vi.unstubAllEnvs());
  const options = { ...(await kdcOptions()), users: ['alice', 'alice'] };
  const error = await refusal(startMitKdc(options), 'TRIAL_DOMAIN_NOT_AVAILABLE');
  expect(error.message).toContain('already exists');
  expect(await readdir(folder)).toEqual([]);
});

test('a KDC ends with the process that started it, even if that is killed', async () => {
  const child = startChild('start-mit-kdc.ts', []);
  while (child.lines.length < 2 && child.process.exitCode === null) await sleep(20);
  const [port = '', folder = ''] = child.lines;
  onTestFinished(async () => rm(folder, { recursive: true, force: true }));
  expect(await listens(Number(port))).toBe(true);
  child.process.kill('SIGKILL');
  await child.ended;
  while (await listens(Number(port))) await sleep(20);
});

async function kdcOptions(): Promise<MitKdcOptions> {
  const pki = await createTestPki();
  return { pkinit: { identity: await pki.issueKdc(), anchors: [pki.caCertificate] } };
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return once(socket, 'connect').then(
    () => {
      socket.destroy();
      return true;
    },
    () => false,
  );
}
