import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { emptySite, filesOf, type Site } from './enrollment-site.ts';
import { openssl, tryOpenssl, verifies } from './openssl.ts';
import { isJson, parseJson, textIn, type Json, type Outcome } from './run-countersign.ts';

const artifacts = ['ca.pem', 'ra.pem', 'request.pem', 'certificate.pem', 'countersigned.cms', 'summary.json'];

describe.each([
  ['memory', 'p256'],
  ['memory', 'rsa2048'],
  ['pkcs11', 'p256'],
  ['pkcs11', 'rsa2048'],
  ['tpm', 'p256'],
  ['tpm', 'rsa2048'],
])('countersign demo --provider %s --algorithm %s', (provider, algorithm) => {
  let site: Site;
  let outcome: Outcome;
  let out: string;
  beforeAll(async () => {
    site = await emptySite();
    out = join(site.path, 'out');
    const options = ['--provider', provider, '--algorithm', algorithm, '--out', 'out', '--json'];
    outcome = await site.run(['demo', ...options]);
  });
  afterAll(async () => site.remove());

  test('prints one JSON document, which is summary.json, and nothing else', async () => {
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    expect(parseJson(outcome.stdout)).toEqual(parseJson(await readFile(join(out, 'summary.json'), 'utf8')));
    expect(parseJson(outcome.stdout)).toMatchObject({ provider, algorithm, out });
  });

  test('leaves its artifacts and its state, and nothing else', async () => {
    expect((await readdir(out)).toSorted()).toEqual([...artifacts, 'demo-state'].toSorted());
  });

  test('openssl verifies the request’s proof of possession', async () => {
    expect(await verifies(['req', '-in', 'request.pem', '-verify'], out)).toBe(true);
  });

  test('openssl verifies the countersignature and finds the very request inside', async () => {
    const verify = ['cms', '-verify', '-inform', 'DER', '-in', 'countersigned.cms', '-CAfile', 'ca.pem'];
    await openssl([...verify, '-purpose', 'any', '-out', '../inner.der', '-signer', '../signer.pem'], out);
    await openssl(['req', '-in', 'request.pem', '-outform', 'DER', '-out', '../request.der'], out);
    const inner = await readFile(join(site.path, 'inner.der'));
    expect(inner.equals(await readFile(join(site.path, 'request.der')))).toBe(true);
    expect(await openssl(['x509', '-in', '../signer.pem', '-outform', 'PEM'], out)).toBe(
      await readFile(join(out, 'ra.pem'), 'utf8'),
    );
    // The control: another CA's signature is not accepted.
    const stranger = [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      '../x.key',
      '-subj',
      '/CN=x',
    ];
    await openssl([...stranger, '-out', '../x.pem'], out);
    const wrongCa = verify.map((option) => (option === 'ca.pem' ? '../x.pem' : option));
    expect((await tryOpenssl([...wrongCa, '-purpose', 'any', '-out', '../no.der'], out)).status).not.toBe(0);
  });

  test('openssl verifies the certificates, strictly as well', async () => {
    const verify = ['verify', '-CAfile', 'ca.pem'];
    await openssl([...verify, 'certificate.pem'], out);
    await openssl([...verify, '-x509_strict', 'certificate.pem', 'ra.pem', 'ca.pem'], out);
  });

  test('the certificate is for the request’s key and the directory’s subject, for a year', async () => {
    const certificate = ['x509', '-in', 'certificate.pem', '-noout'];
    expect(await openssl([...certificate, '-pubkey'], out)).toBe(
      await openssl(['req', '-in', 'request.pem', '-noout', '-pubkey'], out),
    );
    expect(await openssl([...certificate, '-subject', '-nameopt', 'RFC2253'], out)).toBe(
      'subject=CN=Alice Example,OU=Users,DC=contoso,DC=test\n',
    );
    const dates = await openssl([...certificate, '-dates', '-dateopt', 'iso_8601'], out);
    const [notBefore = 0, notAfter = 0] = [...dates.matchAll(/=(.+)/g)].map(([, date = '']) =>
      Date.parse(date),
    );
    // RFC 5280 4.1.2.5: both ends are within the validity.
    const days = (notAfter + 1000 - notBefore) / 86_400_000;
    expect([365, 366]).toContain(days);
    expect(notBefore).toBeLessThan(Date.now());
    expect(notAfter).toBeGreaterThan(Date.now());
  });

  test('the certificate carries every extension that a smart card logon takes', async () => {
    const text = await openssl(['x509', '-in', 'certificate.pem', '-noout', '-text'], out);
    expect(text).toMatch(/X509v3 Key Usage: critical\n\s+Digital Signature\n/);
    expect(text).toMatch(
      /X509v3 Extended Key Usage: \n\s+(?=.*TLS Web Client Authentication)(?=.*Smartcard Login)/,
    );
    expect(text).toMatch(/X509v3 Subject Alternative Name: \n\s+othername: UPN::alice@CONTOSO\.TEST\n/);
    expect(text).toMatch(/X509v3 CRL Distribution Points: \n[^:]*Full Name:\s+URI:http:\/\/\S+\.crl\n/);
    expect(text).toMatch(/Authority Information Access: \n\s+CA Issuers - URI:http:\/\/\S+\.cer\n/);
    const ca = await openssl(['x509', '-in', 'ca.pem', '-noout', '-text'], out);
    expect(keyIdOf('Authority', text)).toBe(keyIdOf('Subject', ca));
    expect(keyIdOf('Subject', text)).toMatch(/^[0-9A-F:]{59}$/);
    expect(keyIdOf('Subject', text)).not.toBe(keyIdOf('Authority', text));
  });

  test('the extensions of Microsoft hold what they must', async () => {
    const sid = await extensionValue('1.3.6.1.4.1.311.25.2');
    expect(sid).toContain('OBJECT            :1.3.6.1.4.1.311.25.2.1');
    expect(sid).toContain(`OCTET STRING      :${userField('sid')}\n`);

    const template = await extensionValue('1.3.6.1.4.1.311.21.7');
    expect(template).toMatch(
      /OBJECT +:1\.3\.6\.1\.4\.1\.311\.21\.8\.[\d.]+\n.*INTEGER +:64\n.*INTEGER +:01\n/,
    );

    const policies = await extensionValue('1.3.6.1.4.1.311.21.10');
    expect(policies).toContain(':Microsoft Smartcard Login');
    expect(policies).toContain(':TLS Web Client Authentication');
  });

  test('the certificate says of a key in a TPM how that is known, and of others nothing', async () => {
    const text = await openssl(['x509', '-in', 'certificate.pem', '-noout', '-text'], out);
    const policies = [...text.matchAll(/Policy: (\S+)/g)].map(([, policy]) => policy);
    const attested = ['1.3.6.1.4.1.311.21.31', '1.3.6.1.4.1.311.21.32'];
    expect(policies).toEqual(provider === 'tpm' ? attested : []);
    const request = await openssl(['req', '-in', 'request.pem', '-noout', '-text'], out);
    expect(request.includes('1.2.840.113549.1.9.16.2.59')).toBe(provider === 'tpm');
  });

  test('the RA’s certificate is an enrollment agent’s', async () => {
    const text = await openssl(['x509', '-in', 'ra.pem', '-noout', '-text'], out);
    expect(text).toMatch(/X509v3 Extended Key Usage: \n\s+1\.3\.6\.1\.4\.1\.311\.20\.2\.1\n/);
    expect(text).toMatch(/X509v3 Key Usage: critical\n\s+Digital Signature\n/);
  });

  function userField(field: string): string {
    const { user } = parseJson(outcome.stdout);
    if (!isJson(user)) throw new Error('the summary names no user');
    return textIn(user, field);
  }

  /** The value of an extension as `openssl asn1parse` takes it apart. */
  async function extensionValue(oid: string): Promise<string> {
    const lines = (await openssl(['asn1parse', '-in', 'certificate.pem'], out)).split('\n');
    const names = new Map([['1.3.6.1.4.1.311.21.10', 'Microsoft Application Policies Extension']]);
    const at = lines.findIndex(
      (line) => line.endsWith(`:${oid}`) || (names.has(oid) && line.endsWith(`:${names.get(oid)}`)),
    );
    const value = lines.slice(at + 1, at + 3).find((line) => line.includes('OCTET STRING'));
    const offset = /^ *(\d+):/.exec(value ?? '')?.[1];
    if (at < 0 || offset === undefined) throw new Error(`no extension ${oid} in\n${lines.join('\n')}`);
    return openssl(['asn1parse', '-in', 'certificate.pem', '-strparse', offset], out);
  }
});

describe('countersign demo, run by a person', () => {
  let site: Site;
  let outcome: Outcome;
  beforeAll(async () => {
    site = await emptySite();
    outcome = await site.run(['demo', '--out', 'out']);
  });
  afterAll(async () => site.remove());

  test('tells its progress on standard error and its result on standard output', () => {
    expect(outcome.status).toBe(0);
    expect(outcome.stderr.match(/^✓ /gm)).toHaveLength(16);
    for (const file of artifacts) expect(outcome.stdout).toContain(`  ${file}`);
    expect(outcome.stdout).not.toContain('✓');
  });

  test('the openssl commands that it recommends work', async () => {
    const commands = [...outcome.stdout.matchAll(/^ {2}openssl (.+)$/gm)].map(([, command = '']) => command);
    expect(commands).toHaveLength(4);
    for (const command of commands) await openssl(command.split(' '), join(site.path, 'out'));
    await rm(join(site.path, 'out', 'inner.der'));
  });

  test('its directory, CA and RA go on living', async () => {
    const state = 'out/demo-state';
    const shown: Json = await site.runJson(['directory', 'show', '--dir', `${state}/directory`]);
    expect(shown).toMatchObject({ users: [{ upn: 'alice@CONTOSO.TEST' }] });
    const request = [
      '--request',
      'out/request.pem',
      '--requester',
      'alice@contoso.test',
      '--out',
      'second.cms',
    ];
    await site.runJson(['ra', 'countersign', '--dir', `${state}/ra`, ...request]);
    const issue = ['ca', 'issue', '--dir', `${state}/ca`, '--request', 'second.cms', '--out', 'second.pem'];
    await site.runJson(issue);
    await openssl(['verify', '-CAfile', 'out/ca.pem', 'second.pem'], site.path);
    await rm(join(site.path, 'second.cms'));
    await rm(join(site.path, 'second.pem'));
    await site.runJson(['ca', 'audit', 'verify', '--dir', `${state}/ca`]);
  });

  test('a run that fails leaves an earlier one as it was, and a first one leaves nothing', async () => {
    const before = await snapshot();
    const tooShort = { COUNTERSIGN_PIN: '12' };
    expect((await site.refusal(['demo', '--out', 'out'], tooShort)).code).toBe('PIN_INVALID');
    expect((await site.refusal(['demo', '--out', 'a/new/one'], tooShort)).code).toBe('PIN_INVALID');
    expect(await snapshot()).toEqual(before);
  });

  test('a second run replaces the first', async () => {
    const before = await readFile(join(site.path, 'out', 'certificate.pem'), 'utf8');
    await site.runJson(['demo', '--out', 'out']);
    expect((await readdir(join(site.path, 'out'))).toSorted()).toEqual(
      [...artifacts, 'demo-state'].toSorted(),
    );
    expect(await readFile(join(site.path, 'out', 'certificate.pem'), 'utf8')).not.toBe(before);
    await openssl(['verify', '-CAfile', 'ca.pem', 'certificate.pem'], join(site.path, 'out'));
  });

  async function snapshot(): Promise<unknown> {
    const texts = artifacts.map(async (file) => readFile(join(site.path, 'out', file), 'latin1'));
    return { files: await filesOf(site), texts: await Promise.all(texts) };
  }
});

describe('countersign demo refuses', () => {
  let site: Site;
  beforeAll(async () => {
    site = await emptySite();
  });
  afterAll(async () => site.remove());

  test.each(['ca.pem', 'summary.json', 'demo-state/whatever'])(
    'to overwrite a %s that is not its own',
    async (file) => {
      const name = `foreign-${file.length}`;
      const path = join(site.path, name, file);
      await mkdir(join(path, '..'), { recursive: true });
      await writeFile(path, 'precious');
      const before = await filesOf(site);
      const refusal = await site.refusal(['demo', '--out', name]);
      expect(refusal.code).toBe('STATE_EXISTS');
      expect(refusal.hint).toContain('--out');
      expect(await readFile(path, 'utf8')).toBe('precious');
      expect(await filesOf(site)).toEqual(before);
    },
  );

  test('to run with a provider whose software is not there', async () => {
    const refusal = await site.refusal(['demo', '--provider', 'tpm', '--out', 'out'], { PATH: site.path });
    expect(refusal).toMatchObject({ code: 'PROVIDER_NOT_AVAILABLE' });
    expect(refusal.hint).toContain('swtpm-tools');
    expect(refusal.hint).toContain('--provider memory');
  });

  test('nothing where no TPM can be had: it takes memory, and says so', async () => {
    const summary = await site.runJson(['demo', '--out', 'memory'], { PATH: site.path });
    expect(summary).toMatchObject({ provider: 'memory' });
  });
});

/** A key identifier extension in the text of `openssl x509`. */
function keyIdOf(kind: 'Authority' | 'Subject', text: string): string | undefined {
  return new RegExp(`X509v3 ${kind} Key Identifier: \\n\\s+(?:keyid:)?([0-9A-F:]{59})\\n`).exec(text)?.[1];
}
