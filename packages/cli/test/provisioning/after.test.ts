import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openFileDirectory } from '@countersign/hello';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openssl } from '../openssl.ts';
import { isJson } from '../run-countersign.ts';
import { organization, pin, type Organization, type TestUser } from './organization.ts';

let at: Organization;
let user: TestUser;
let settings: string;
let config: readonly string[];
const newPin = '605827';

beforeAll(async () => {
  at = await organization();
  user = await at.newUser();
  settings = await at.settings(user.upn, {
    policy: { pin: { history: 2 } },
    store: { file: 'programs/user.pem', nss: { directory: 'programs/nssdb' } },
  });
  config = ['--config', settings];
  await at.runJson(['site', 'join', '--dir', 'site', ...config]);
  const code = await at.code(user.upn);
  await at.runJson(['provision', ...config, '--pin-file', 'pin', '--code-file', code]);
  await at.runJson(['site', 'sync', '--dir', 'site']);
  await writeFile(join(at.path, 'new-pin'), newPin, { mode: 0o600 });
});
afterAll(async () => at.remove());

test('the certificate lies where programs look for it', async () => {
  await openssl(['verify', '-CAfile', 'ca/ca.pem', 'programs/user.pem'], at.path);
  expect(await fileOf('programs/nssdb/cert9.db')).not.toHaveLength(0);
});

test('the PIN is changed as the policy wants it, and not back', async () => {
  const change = ['hello', 'change-pin', ...config, '--pin-file'];
  await writeFile(join(at.path, 'weak'), '111111');
  expect((await at.refusal([...change, 'pin', '--new-pin-file', 'weak'])).code).toBe('PIN_INVALID');
  expect((await at.refusal([...change, 'new-pin', '--new-pin-file', 'pin'])).code).toBe('PIN_INCORRECT');
  await at.runJson([...change, 'pin', '--new-pin-file', 'new-pin']);
  const back = await at.refusal([...change, 'new-pin', '--new-pin-file', 'pin']);
  expect(back.code).toBe('PIN_INVALID');
  expect(back.message).not.toContain(pin);
});

test('the certificate is renewed with the same key, when it is due or when told', async () => {
  const renew = ['hello', 'renew', ...config, '--pin-file', 'new-pin'];
  expect(await at.runJson(renew)).toMatchObject({ kind: 'not-due' });
  const before = (await fileOf('programs/user.pem')).toString();
  const renewed = await at.runJson([...renew, '--now']);
  expect(renewed).toMatchObject({ kind: 'renewed' });
  const after = (await fileOf('programs/user.pem')).toString();
  expect(after).toBe(renewed['certificate']);
  expect(after).not.toBe(before);
  await writeFile(join(at.path, 'before.pem'), before);
  const keyOf = async (file: string): Promise<string> =>
    openssl(['x509', '-in', file, '-noout', '-pubkey'], at.path);
  expect(await keyOf('programs/user.pem')).toBe(await keyOf('before.pem'));
  // What provisioning tells from now on is the new one.
  expect(await at.runJson(['provision', ...config])).toMatchObject({ certificate: after });
});

test('a reset takes everything away, and the user can be provisioned anew', async () => {
  expect((await at.refusal(['hello', 'reset', ...config])).code).toBe('CONFIRMATION_MISSING');
  const serial = (await openssl(['x509', '-in', 'programs/user.pem', '-noout', '-serial'], at.path))
    .trim()
    .replace('serial=', '')
    .toLowerCase();
  expect(await at.runJson(['hello', 'reset', ...config, '--yes'])).toMatchObject({ kind: 'complete' });
  const store = join(at.path, `hello-${user.upn.split('@', 1).join('')}`, 'keys');
  expect(await at.runJson(['key', 'list', '--provider', `memory:?store=${store}`])).toEqual({ keys: [] });
  for (const directory of ['cloud', 'dir']) {
    const found = await (await openFileDirectory(join(at.path, directory))).findByUpn(user.upn);
    expect(found?.keyCredentials).toEqual([]);
  }
  await expect(fileOf('programs/user.pem')).rejects.toThrow('ENOENT');
  await at.runJson(['ca', 'crl', '--dir', 'ca', '--out', 'ca.crl']);
  const crl = await openssl(['crl', '-in', 'ca.crl', '-noout', '-text'], at.path).catch(async () =>
    openssl(['crl', '-inform', 'DER', '-in', 'ca.crl', '-noout', '-text'], at.path),
  );
  expect(crl.toLowerCase()).toContain(serial);
  expect(await at.runJson(['hello', 'reset', ...config, '--yes'])).toEqual({ kind: 'nothing-provisioned' });

  const code = await at.code(user.upn);
  const anew = await at.runJson(['provision', ...config, '--pin-file', 'pin', '--code-file', code]);
  expect(anew).toMatchObject({ kind: 'complete' });
  expect(isJson(anew) && anew['certificate']).toBe((await fileOf('programs/user.pem')).toString());
});

async function fileOf(name: string): Promise<Buffer> {
  return readFile(join(at.path, name));
}
