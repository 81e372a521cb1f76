import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { initializeToken, parsePkcs11Uri } from '@countersign/provider-pkcs11';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addUser, alice, emptySite, type Site } from './enrollment-site.ts';
import { openssl } from './openssl.ts';
import { outcomeOf, textIn, type Json } from './run-countersign.ts';

const pin = '482913';
let site: Site;
beforeAll(async () => {
  site = await emptySite();
  await writeFile(join(site.path, 'pin'), `${pin}\n`, { mode: 0o600 });
});
afterAll(async () => site.remove());

describe.each([
  ['p256', 'ECDSA'],
  ['rsa2048', 'SHA256-RSA-PKCS'],
])('after countersign demo --provider pkcs11 --algorithm %s', (algorithm, mechanism) => {
  let token: { readonly configuration: string; readonly module: string; readonly id: string };
  let summary: Json;

  beforeAll(async () => {
    const demo = ['demo', '--provider', 'pkcs11', '--algorithm', algorithm, '--pin-file', 'pin'];
    summary = await site.runJson([...demo, '--out', algorithm]);
    const { modulePath = '', id = new Uint8Array() } = parsePkcs11Uri(textIn(summary, 'keyRef'));
    const configuration = join(textIn(summary, 'state'), 'softhsm2.conf');
    token = { configuration, module: modulePath, id: Buffer.from(id).toString('hex') };
  });

  test('pkcs11-tool lists key and certificate under one id', async () => {
    const listing = await pkcs11Tool(token, '--list-objects', '--id', token.id);
    expect(listing).toMatch(/Private Key Object; (?:EC|RSA)/);
    expect(listing).toMatch(/Certificate Object; type = X.509 cert\n(?:.*\n)*? {2}ID: +[0-9a-f]{32}\n/);
    const ids = [...(await pkcs11Tool(token, '--list-objects')).matchAll(/ID: +([0-9a-f]+)/g)];
    expect(new Set(ids.map(([, id]) => id))).toEqual(new Set([token.id]));
  });

  test('pkcs11-tool signs with the key, and the signature verifies under the certificate', async () => {
    const directory = join(site.path, algorithm);
    const message = Buffer.from(`signed by the ${algorithm} key`);
    await writeFile(join(directory, 'message'), message);
    await writeFile(join(directory, 'digest'), createHash('sha256').update(message).digest());
    const input = mechanism === 'ECDSA' ? 'digest' : 'message';
    const files = ['--input-file', join(directory, input), '--output-file', join(directory, 'signature')];
    const format = mechanism === 'ECDSA' ? ['--signature-format', 'openssl'] : [];
    await pkcs11Tool(token, '--sign', '--id', token.id, '--mechanism', mechanism, ...format, ...files);
    await openssl(['x509', '-in', 'certificate.pem', '-noout', '-pubkey', '-out', 'public.pem'], directory);
    const verify = ['dgst', '-sha256', '-verify', 'public.pem', '-signature', 'signature', 'message'];
    expect(await openssl(verify, directory)).toContain('Verified OK');
  });

  test('the certificate on the token is the one that was issued', async () => {
    const file = join(site.path, algorithm, 'from-token.der');
    await pkcs11Tool(token, '--read-object', '--type', 'cert', '--id', token.id, '--output-file', file);
    await openssl(
      ['x509', '-in', join(algorithm, 'certificate.pem'), '-outform', 'DER', '-out', 'issued'],
      site.path,
    );
    expect((await readFile(file)).equals(await readFile(join(site.path, 'issued')))).toBe(true);
  });

  test('the command that the demonstration recommends shows the same', async () => {
    expect(summary['seenBy']).toEqual([
      `SOFTHSM2_CONF=${token.configuration} pkcs11-tool --module ${token.module} --login --list-objects`,
    ]);
  });
});

describe('keys and authorities on a token', () => {
  let uri: string;
  let env: Record<string, string>;

  beforeAll(async () => {
    const configuration = join(site.path, 'softhsm2.conf');
    await mkdir(join(site.path, 'tokens'));
    await writeFile(configuration, `directories.tokendir = ${join(site.path, 'tokens')}\n`);
    env = { SOFTHSM2_CONF: configuration };
    Object.assign(process.env, env);
    uri = await initializeToken({
      uri: 'pkcs11:?module-name=softhsm2',
      label: 'site',
      securityOfficerPin: Buffer.from('12345678'),
      userPin: Buffer.from(pin),
    });
  });

  test('a key is made, certified, installed and destroyed, with the PIN where the token wants it', async () => {
    const withPin = { ...env, COUNTERSIGN_PIN: pin };
    const made = await site.runJson(['key', 'generate', '--provider', uri, '--label', 'alice'], withPin);
    const ref = textIn(made, 'ref');
    expect((await site.refusal(['key', 'destroy', '--provider', ref], env)).code).toBe('PIN_REQUIRED');
    const wrong = { ...env, COUNTERSIGN_PIN: '482914' };
    expect((await site.refusal(['key', 'destroy', '--provider', ref], wrong)).code).toBe('PIN_INCORRECT');

    expect(await site.runJson(['key', 'show', '--provider', ref], env)).toMatchObject({
      state: 'pre-activation',
    });

    await addUser(site, alice);
    await site.runJson(['ca', 'init', '--dir', 'ca', '--directory', 'dir', '--provider', uri], withPin);
    await site.runJson(
      [
        'ra',
        'init',
        '--dir',
        'ra',
        '--ca',
        'ca',
        '--provider',
        `${uri}&pin-source=${join(site.path, 'pin')}`,
      ],
      withPin,
    );
    const request = ['request', 'create', '--key', ref, '--upn', alice.upn, '--out', 'alice.pem'];
    await site.runJson(request, withPin);
    await site.runJson(['directory', 'add', '--dir', 'dir', '--upn', alice.upn, '--key', 'alice.pem']);
    // The RA's reference names its pin-source, so nobody is asked.
    const countersign = ['ra', 'countersign', '--dir', 'ra', '--request', 'alice.pem'];
    await site.runJson([...countersign, '--requester', alice.upn, '--out', 'alice.cms'], env);
    const issue = ['ca', 'issue', '--dir', 'ca', '--request', 'alice.cms', '--out', 'alice-certificate.pem'];
    expect((await site.refusal(issue, env)).code).toBe('PIN_REQUIRED');
    await site.runJson(issue, withPin);
    await openssl(['verify', '-CAfile', 'ca/ca.pem', 'alice-certificate.pem'], site.path);

    const install = ['key', 'install', '--provider', ref, '--cert', 'alice-certificate.pem'];
    expect(await site.runJson([...install, '--pin-file', 'pin'], env)).toMatchObject({ state: 'active' });
    const destroyed = await site.runJson(['key', 'destroy', '--provider', ref], withPin);
    expect(destroyed).toMatchObject({ state: 'destroyed' });
  });

  test('a CA that cannot be made leaves no key on the token', async () => {
    const before = await keysOnToken();
    const subject = 'CN=A,CN=,O=';
    const options = ['--directory', 'dir', '--provider', uri, '--subject', subject];
    await site.refusal(['ca', 'init', '--dir', 'never', ...options], { ...env, COUNTERSIGN_PIN: pin });
    const init = ['ra', 'init', '--dir', 'never', '--ca', 'ca', '--provider', uri];
    await writeFile(join(site.path, 'wrong'), '000000');
    const refusal = await site.refusal([...init, '--ca-pin-file', 'wrong'], { ...env, COUNTERSIGN_PIN: pin });
    expect(refusal.code).toBe('PIN_INCORRECT');
    expect(await keysOnToken()).toEqual(before);
  });

  async function keysOnToken(): Promise<readonly string[]> {
    const { stdout } = await site.run(['key', 'list', '--provider', uri], env);
    return stdout.split('\n').toSorted();
  }

  test('what the reference lacks is said', async () => {
    expect(await site.refusal(['key', 'list', '--provider', 'pkcs11:token=x'], env)).toMatchObject({
      code: 'PROVIDER_NOT_AVAILABLE',
    });
    const other = uri.replace('token=site', 'token=other');
    const refusal = await site.refusal(['key', 'generate', '--provider', other], {
      ...env,
      COUNTERSIGN_PIN: pin,
    });
    expect(refusal.code).toBe('TOKEN_NOT_PRESENT');
    expect(refusal.message).toContain('"site"');
  });
});

async function pkcs11Tool(
  { configuration, module }: { readonly configuration: string; readonly module: string },
  ...args: readonly string[]
): Promise<string> {
  const child = spawn('pkcs11-tool', ['--module', module, '--login', '--pin', pin, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, SOFTHSM2_CONF: configuration },
  });
  const outcome = await outcomeOf(child);
  expect(outcome, args.join(' ')).toMatchObject({ status: 0 });
  return outcome.stdout;
}
