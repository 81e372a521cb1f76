import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openFileDirectory } from '@countersign/hello';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openssl } from '../openssl.ts';
import { parseJson, type Json } from '../run-countersign.ts';
import { organization, pin, type Organization, type TestUser } from './organization.ts';

describe('countersign provision', () => {
  let at: Organization;
  beforeAll(async () => {
    at = await organization();
  });
  afterAll(async () => at.remove());

  test('leads from a device that joined to a certificate, and run again knows that all is done', async () => {
    const { user, settings, code } = await readyUser();
    const run = ['provision', '--config', settings, '--pin-file', 'pin', '--code-file', code];
    const outcome = await at.runJson(run);
    expect(outcome).toMatchObject({ upn: user.upn, kind: 'complete' });
    const { certificate, keyRef } = outcome;
    await writeFile(join(at.path, 'user.pem'), String(certificate));
    await openssl(['verify', '-CAfile', 'ca/ca.pem', 'user.pem'], at.path);
    expect(await openssl(['x509', '-in', 'user.pem', '-noout', '-text'], at.path)).toContain(
      `UPN::${user.upn}`,
    );
    // No code is needed any more, and no PIN.
    expect(await at.runJson(['provision', '--config', settings])).toMatchObject({
      kind: 'complete',
      keyRef,
      certificate,
    });
    expect(await keysIn('cloud', user)).toHaveLength(1);
  });

  test('tells people each step, and at the end that the PIN can be used', async () => {
    const { settings, code } = await readyUser();
    const { status, stdout, stderr } = await at.run(
      ['provision', '--config', settings, '--code-file', code],
      { COUNTERSIGN_PIN: pin },
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/^The PIN can be used now\. The key is memory:id=/);
    const steps = stderr.split('\n').map((line) => line.split(' ', 1).join(''));
    expect([...new Set(steps)]).toEqual([
      'prerequisites',
      'mfa',
      'key',
      'registration',
      'request',
      'enrollment',
      'certificate',
      '',
    ]);
    expect(stderr + stdout).not.toContain(pin);
  });

  test('writes the events of the device: 358, 357, 300, 355', async () => {
    const { user, settings, code } = await readyUser();
    await at.runJson(['provision', '--config', settings, '--pin-file', 'pin', '--code-file', code]);
    const events = await eventsOf(user);
    expect(events.map(({ id }) => id)).toEqual([358, 357, 300, 355]);
    expect(String(events[2]?.['message'])).toContain(`UPN:${user.upn}. Attestation: ATT_SOFT.`);
  });

  test.each([
    ['12345', 'PIN_INVALID', 'too short'],
    ['123456', 'PIN_INVALID', 'even steps'],
    ['abcdef1', 'PIN_INVALID', 'lower-case letters'],
  ])('refuses the PIN %s and makes no key', async (refused, code, said) => {
    const { user, settings, code: codeFile } = await readyUser();
    const run = ['provision', '--config', settings, '--code-file', codeFile];
    const error = await at.refusal(run, { COUNTERSIGN_PIN: refused });
    expect(error.code).toBe(code);
    expect(error.message).toContain(said);
    expect(error.message + error.hint).not.toContain(refused);
    expect(await keysIn('cloud', user)).toEqual([]);
    expect(
      await at.runJson(['key', 'list', '--provider', `memory:?store=${at.path}/hello-${nameOf(user)}/keys`]),
    ).toEqual({
      keys: [],
    });
  });

  test('a wrong second factor ends in an error, before anything is made; a right one works afterwards', async () => {
    const { user, settings, code } = await readyUser();
    const run = ['provision', '--config', settings, '--pin-file', 'pin', '--code-file'];
    await writeFile(join(at.path, 'wrong.code'), '000000');
    expect((await at.refusal([...run, 'wrong.code'])).code).toBe('MFA_FAILED');
    expect(await keysIn('cloud', user)).toEqual([]);
    expect(await at.runJson([...run, code])).toMatchObject({ kind: 'complete' });
  });

  test('a code is taken once', async () => {
    const { settings, code } = await readyUser();
    await at.runJson(['provision', '--config', settings, '--pin-file', 'pin', '--code-file', code]);
    const other = await at.settings((await at.newUser()).upn, {
      upn: parseJson(await read(settings))['upn'],
      stateDirectory: 'again',
    });
    await at.runJson(['site', 'join', '--dir', 'site', '--config', other]);
    const run = ['provision', '--config', other, '--pin-file', 'pin', '--code-file', code];
    expect((await at.refusal(run)).code).toBe('MFA_FAILED');
  });

  test('a device that was not joined is told so', async () => {
    const { upn } = await at.newUser();
    const settings = await at.settings(upn);
    const code = await at.code(upn);
    const run = ['provision', '--config', settings, '--pin-file', 'pin', '--code-file', code];
    const error = await at.refusal(run);
    expect(error.code).toBe('PREREQUISITE_FAILED');
    expect(error.message).toContain('IsDeviceJoined is NO');
  });

  test('without UseCertificateForOnPremAuth it ends with the registered key', async () => {
    const changes = {
      policy: { useCertificateForOnPremAuth: false },
      facts: { isSessionNotRemote: true, hasOnPremTgt: true },
    };
    const { user, settings, code } = await readyUser(changes);
    const outcome = await at.runJson([
      'provision',
      '--config',
      settings,
      '--pin-file',
      'pin',
      '--code-file',
      code,
    ]);
    expect(outcome).toMatchObject({ kind: 'complete' });
    expect(outcome).not.toHaveProperty('certificate');
    expect(await keysIn('cloud', user)).toHaveLength(1);
    expect((await eventsOf(user)).map(({ id }) => id)).toEqual([358, 300]);
  });

  test.each([
    ['{"format": "countersign-hello"', 'is not JSON'],
    ['{"format": "countersign-hello", "version": 2}', 'an integer from 1 to 1'],
    [
      '{"format": "countersign-hello", "version": 1, "upn": "a@b", "stateDirectory": "s", "keys": {}, "services": {"site": "site"}}',
      'securityDevice',
    ],
    [
      '{"format": "countersign-hello", "version": 1, "upn": "a@b", "stateDirectory": "s", "keys": {"software": "memory:"}, "services": {"site": "site"}, "polcy": {}}',
      'polcy',
    ],
    [
      '{"format": "countersign-hello", "version": 1, "upn": "a@b", "stateDirectory": "s", "keys": {"software": "memory:"}, "services": {"identity": "http://a", "registration": "https://b", "registrationAuthority": "https://c"}}',
      'https://',
    ],
  ])('settings with a mistake are refused with its place: %s', async (text, said) => {
    await writeFile(join(at.path, 'bad.json'), text);
    const error = await at.refusal(['provision', '--config', 'bad.json', '--pin-file', 'pin']);
    expect(error.code).toBe('CONFIGURATION_INVALID');
    expect(error.message).toContain('bad.json');
    expect(error.message).toContain(said);
  });

  test('a PIN policy out of its range is refused', async () => {
    const { upn } = await at.newUser();
    const settings = await at.settings(upn, { policy: { pin: { minimumPinLength: 3 } } });
    expect((await at.refusal(['prereq', '--config', settings])).code).toBe('POLICY_INVALID');
  });

  async function readyUser(changes: Json = {}): Promise<{ user: TestUser; settings: string; code: string }> {
    const user = await at.newUser();
    const settings = await at.settings(user.upn, changes);
    await at.runJson(['site', 'join', '--dir', 'site', '--config', settings]);
    return { user, settings, code: await at.code(user.upn) };
  }

  async function keysIn(directory: string, { upn }: TestUser): Promise<readonly string[]> {
    const found = await (await openFileDirectory(join(at.path, directory))).findByUpn(upn);
    return found?.keyCredentials.map(({ keyId }) => keyId) ?? [];
  }

  async function eventsOf(user: TestUser): Promise<readonly Json[]> {
    const text = await read(`hello-${nameOf(user)}/events.jsonl`);
    return text.trimEnd().split('\n').map(parseJson);
  }

  async function read(name: string): Promise<string> {
    return readFile(join(at.path, name), 'utf8');
  }
});

function nameOf({ upn }: TestUser): string {
  return upn.split('@', 1).join('');
}
