import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTransport, parseTransportUri, type DeviceHandle } from '@countersign/provider-tpm';
import { expect, onTestFinished, test } from 'vitest';
import { refusal } from './refusal.ts';
import { freePort, startSwtpm } from './start-swtpm.ts';

async function roots() {
  const root = await mkdtemp(join(tmpdir(), 'countersign-tpm-'));
  onTestFinished(async () => rm(root, { recursive: true, force: true }));
  const deviceDirectory = join(root, 'dev');
  const sysfsDirectory = join(root, 'class');
  await mkdir(deviceDirectory);
  await mkdir(join(sysfsDirectory, 'tpm0'), { recursive: true });
  return { deviceDirectory, sysfsDirectory };
}

/** Opens of devices fail with these error numbers; a device not named answers. */
function opening(failures: Record<string, string>, opened: string[] = []) {
  return async (path: string): Promise<DeviceHandle> => {
    const code = failures[path.slice(path.lastIndexOf('/') + 1)];
    if (code !== undefined) throw Object.assign(new Error(`${code}: no`), { code });
    opened.push(path);
    return {
      write: async (_buffer, _offset, length) => ({ bytesWritten: length }),
      read: async (buffer) => ({ bytesRead: Buffer.from('80010000000a00000100', 'hex').copy(buffer) }),
      close: async () => {},
    };
  };
}

test.each([
  ['tpm:', { kind: 'local' }],
  ['TPM:', { kind: 'local' }],
  ['tpm:tbs', { kind: 'tbs' }],
  ['tpm:device=/dev/tpmrm1', { kind: 'device', path: '/dev/tpmrm1' }],
  ['tpm:device=/a%20b', { kind: 'device', path: '/a b' }],
  ['tpm:swtpm=localhost:2321', { kind: 'swtpm', endpoint: { kind: 'tcp', host: 'localhost', port: 2321 } }],
  ['tpm:swtpm=[::1]:2321', { kind: 'swtpm', endpoint: { kind: 'tcp', host: '::1', port: 2321 } }],
  ['tpm:swtpm-unix=/run/s', { kind: 'swtpm', endpoint: { kind: 'unix', path: '/run/s' } }],
  [
    'tpm:mssim=127.0.0.1:2321',
    {
      kind: 'mssim',
      command: { kind: 'tcp', host: '127.0.0.1', port: 2321 },
      platform: { kind: 'tcp', host: '127.0.0.1', port: 2322 },
    },
  ],
])('reads %s', (uri, address) => {
  expect(parseTransportUri(uri)).toEqual(address);
});

test.each([
  '',
  'tpm',
  'pkcs11:',
  'tpm:device',
  'tpm:device=',
  'tpm:device=dev/tpm0',
  'tpm:device=/dev/%00',
  'tpm:device=/dev/%ff',
  'tpm:tbs=1',
  'tpm:swtpm=127.0.0.1',
  'tpm:swtpm=127.0.0.1:0',
  'tpm:swtpm=127.0.0.1:65536',
  'tpm:swtpm=::1:2321',
  'tpm:swtpm-unix=relative',
  'tpm:mssim=127.0.0.1:65535',
  'tpm:other=1',
])('refuses %j', async (uri) => {
  expect((await refusal(async () => openTransport(uri))).code).toBe('KEY_REFERENCE_MALFORMED');
});

test('without a TPM it says so, and what to do', async () => {
  const error = await refusal(async () => openTransport('tpm:', await roots()));
  expect(error.code).toBe('TPM_NOT_FOUND');
  expect(error.message).toContain('tpmrm0 nor');
  expect(error.hint).toContain('firmware');
  const named = await refusal(async () => openTransport('tpm:device=/dev/tpm-that-is-not-there'));
  expect(named.code).toBe('TPM_NOT_FOUND');
});

test('takes the shared device first, the plain one if it must, and tells why neither will do', async () => {
  const at = await roots();
  const opened: string[] = [];
  await (await openTransport('tpm:', { ...at, open: opening({}, opened) })).close();
  await (await openTransport('tpm:', { ...at, open: opening({ tpmrm0: 'ENOENT' }, opened) })).close();
  await (await openTransport('tpm:', { ...at, open: opening({ tpmrm0: 'EACCES' }, opened) })).close();
  expect(opened.map((path) => path.slice(at.deviceDirectory.length))).toEqual(['/tpmrm0', '/tpm0', '/tpm0']);

  for (const [failures, code, hint] of [
    [{ tpmrm0: 'EACCES', tpm0: 'EACCES' }, 'TPM_NOT_PERMITTED', 'tss'],
    [{ tpmrm0: 'ENOENT', tpm0: 'EBUSY' }, 'TPM_BUSY', '/dev/tpmrm0'],
    [{ tpmrm0: 'EIO', tpm0: 'ENOENT' }, 'TPM_UNREACHABLE', 'runs'],
    [{ tpmrm0: 'ENODEV', tpm0: 'ENOENT' }, 'TPM_NOT_FOUND', 'firmware'],
  ] as const) {
    const error = await refusal(async () => openTransport('tpm:', { ...at, open: opening(failures) }));
    expect(error.code).toBe(code);
    expect(error.hint).toContain(hint);
  }
});

test('a TPM 1.2 is known by sysfs, and by its answer', async () => {
  const at = await roots();
  await writeFile(join(at.sysfsDirectory, 'tpm0', 'tpm_version_major'), '1\n');
  const told = await refusal(async () => openTransport('tpm:', { ...at, open: opening({}) }));
  expect(told.code).toBe('TPM_VERSION_NOT_SUPPORTED');
  await writeFile(join(at.sysfsDirectory, 'tpm0', 'tpm_version_major'), '2\n');
  await (await openTransport('tpm:', { ...at, open: opening({}) })).close();

  const old = await startSwtpm({ version: '1.2' });
  onTestFinished(async () => old.stop());
  const answered = await refusal(async () => openTransport(old.uri));
  expect(answered.code).toBe('TPM_VERSION_NOT_SUPPORTED');
  expect(answered.message).toContain('TPM 1.2');
});

test('a simulator that does not listen cannot be reached', async () => {
  const port = await freePort();
  for (const uri of [
    `tpm:swtpm=127.0.0.1:${port}`,
    `tpm:mssim=127.0.0.1:${port}`,
    'tpm:swtpm-unix=/no/such',
  ]) {
    expect((await refusal(async () => openTransport(uri))).code).toBe('TPM_UNREACHABLE');
  }
});

test.runIf(process.platform !== 'win32')('the TPM Base Services are on Windows only', async () => {
  expect((await refusal(async () => openTransport('tpm:tbs'))).code).toBe('TPM_NOT_FOUND');
});
