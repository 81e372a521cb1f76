import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  addUser,
  alice,
  caIssue,
  emptySite,
  enrollmentSite,
  raCountersign,
  sealCheaply,
  type Site,
} from './enrollment-site.ts';
import { openssl, requestByOpenssl, tryOpenssl, verifies } from './openssl.ts';
import { textIn } from './run-countersign.ts';

const algorithms = ['p256', 'rsa2048', 'rsa3072'] as const;

describe('requests made by openssl', () => {
  let site: Site;
  beforeAll(async () => {
    site = await emptySite();
    await addUser(site, alice);
    await site.runJson([
      'ca',
      'init',
      '--delta-crls',
      '--dir',
      'ca',
      '--directory',
      'dir',
      '--subject',
      'CN=Contoso CA,O=Contoso',
    ]);
    await sealCheaply(site, 'ca');
    await site.runJson(['ra', 'init', '--dir', 'ra', '--ca', 'ca']);
    await sealCheaply(site, 'ra');
  });
  afterAll(async () => site.remove());

  test.each(algorithms)('become certificates whose subject is the directory’s: %s', async (algorithm) => {
    const name = `by-openssl-${algorithm}`;
    await requestByOpenssl(site.path, name, algorithm);
    await site.runJson(['directory', 'add', '--dir', 'dir', '--upn', alice.upn, '--key', `${name}.pem`]);
    const countersigned = await site.run(raCountersign(`${name}.pem`, `${name}.cms`));
    expect(countersigned).toMatchObject({ status: 0, stdout: '' });
    const issued = await site.run(caIssue(`${name}.cms`, `${name}.crt`));
    expect(issued).toMatchObject({ status: 0, stdout: '' });
    expect(issued.stderr).toContain(alice.dn);

    await openssl(['verify', '-CAfile', 'ca/ca.pem', '-x509_strict', `${name}.crt`], site.path);
    expect(await subjectOf(`${name}.crt`)).toBe(`subject=${alice.dn}`);
    expect(await publicKeyIn('x509', `${name}.crt`)).toBe(await publicKeyIn('req', `${name}.pem`));
    const inner = ['cms', '-verify', '-inform', 'DER', '-in', `${name}.cms`, '-CAfile', 'ca/ca.pem'];
    await openssl([...inner, '-purpose', 'any', '-out', `${name}.inner`], site.path);
    await openssl(['req', '-in', `${name}.pem`, '-outform', 'DER', '-out', `${name}.der`], site.path);
    expect(await bytesOf(`${name}.inner`)).toEqual(await bytesOf(`${name}.der`));
  });

  test('the directory shows the user with every key that was registered', async () => {
    const { users } = await site.runJson(['directory', 'show', '--dir', 'dir']);
    expect(users).toMatchObject([
      { upn: alice.upn, sid: alice.sid, distinguishedName: alice.dn, account: alice.account },
    ]);
    const { stdout } = await site.run(['directory', 'show', '--dir', 'dir', '--upn', alice.upn]);
    for (const algorithm of algorithms) {
      const request = join(site.path, `by-openssl-${algorithm}.pem`);
      const { keyId } = await site.runJson(['request', 'show', request]);
      expect(stdout).toContain(String(keyId));
    }
    expect((await site.refusal(['directory', 'show', '--dir', 'dir', '--upn', 'x@contoso.test'])).code).toBe(
      'USER_NOT_FOUND',
    );
  });

  test('a revoked certificate stands in the CRL and fails openssl’s check, another passes it', async () => {
    const { stdout } = await site.run([
      'ca',
      'issue',
      '--dir',
      'ca',
      '--request',
      await freshRequest('revoked'),
    ]);
    expect(stdout).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
    const other = await site.runJson(caIssue(await freshRequest('other'), 'other.crt'));
    const revoked = await site.runJson(caIssue(await freshRequest('revoked-too'), 'revoked.crt'));
    // As openssl prints it: upper case.
    const serial = textIn(revoked, 'serialNumber').toUpperCase();
    expect(await openssl(['x509', '-in', 'revoked.crt', '-noout', '-serial'], site.path)).toBe(
      `serial=${serial}\n`,
    );
    const report = await site.run(['ca', 'revoke', '--dir', 'ca', serial, '--reason', 'keyCompromise']);
    expect(report).toMatchObject({ status: 0, stdout: `revoked ${serial.toLowerCase()} (keyCompromise)\n` });
    expect(await site.run(['ca', 'crl', '--dir', 'ca', '--out', 'ca.crl'])).toMatchObject({
      status: 0,
      stdout: '',
    });

    const crl = await tryOpenssl(
      ['crl', '-in', 'ca.crl', '-CAfile', 'ca/ca.pem', '-noout', '-text'],
      site.path,
    );
    expect(crl.stderr).toContain('verify OK');
    expect(crl.stdout).toContain(`Serial Number: ${serial}`);
    expect(crl.stdout).toContain('Key Compromise');
    expect(crl.stdout).not.toContain(textIn(other, 'serialNumber').toUpperCase());
    const check = ['verify', '-CAfile', 'ca/ca.pem', '-CRLfile', 'ca.crl', '-crl_check'];
    await openssl([...check, 'other.crt'], site.path);
    const refused = await tryOpenssl([...check, 'revoked.crt'], site.path);
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toContain('certificate revoked');
  });

  test('a certificate on hold fails openssl verify, and passes again once it is released', async () => {
    const { serialNumber } = await site.runJson(caIssue(await freshRequest('held'), 'held.crt'));
    const verdict = async (): Promise<number | string | null> => {
      await site.runJson(['ca', 'crl', '--dir', 'ca', '--out', 'held.crl']);
      const check = ['verify', '-CAfile', 'ca/ca.pem', '-CRLfile', 'held.crl', '-crl_check', 'held.crt'];
      return (await tryOpenssl(check, site.path)).status;
    };
    const change = async (reason: string): Promise<unknown> =>
      site.runJson(['ca', 'revoke', '--dir', 'ca', String(serialNumber), '--reason', reason]);
    expect(await verdict()).toBe(0);
    await change('certificateHold');
    expect(await verdict()).not.toBe(0);
    await change('removeFromCRL');
    expect(await verdict()).toBe(0);
    const release = ['ca', 'revoke', '--dir', 'ca', String(serialNumber), '--reason', 'removeFromCRL'];
    expect((await site.refusal(release)).code).toBe('REVOCATION_NOT_POSSIBLE');
  });

  test('a delta lists what was revoked since the last complete CRL, and openssl takes the two together', async () => {
    await site.runJson(caIssue(await freshRequest('lately'), 'lately.crt'));
    await site.runJson(['ca', 'crl', '--dir', 'ca', '--out', 'base.crl']);
    const serial = (await openssl(['x509', '-in', 'lately.crt', '-noout', '-serial'], site.path))
      .slice(7)
      .trim();
    await site.runJson(['ca', 'revoke', '--dir', 'ca', serial]);
    await site.runJson(['ca', 'crl', '--dir', 'ca', '--delta', '--out', 'delta.crl']);
    const text = await openssl(['crl', '-in', 'delta.crl', '-noout', '-text'], site.path);
    expect(text).toContain('X509v3 Delta CRL Indicator: critical');
    expect(text.match(/Serial Number: (.*)/g)).toEqual([`Serial Number: ${serial}`]);
    const check = ['verify', '-CAfile', 'ca/ca.pem', '-CRLfile', 'base.crl', '-crl_check'];
    expect((await tryOpenssl([...check, 'lately.crt'], site.path)).status).toBe(0);
    const lists = await Promise.all(
      ['base.crl', 'delta.crl'].map(async (file) => readFile(join(site.path, file))),
    );
    await writeFile(join(site.path, 'both.crl'), Buffer.concat(lists));
    const trust = ['verify', '-CAfile', 'ca/ca.pem', '-CRLfile', 'both.crl'];
    const both = [...trust, '-crl_check', '-extended_crl', '-use_deltas', 'lately.crt'];
    expect((await tryOpenssl(both, site.path)).stderr).toContain('certificate revoked');
  });

  test('revoking twice, or what was never issued, is refused', async () => {
    const { serialNumber } = await site.runJson(caIssue(await freshRequest('twice'), 'twice.crt'));
    const revoke = ['ca', 'revoke', '--dir', 'ca', String(serialNumber)];
    await site.runJson(revoke);
    expect((await site.refusal(revoke)).code).toBe('REVOCATION_NOT_POSSIBLE');
    expect((await site.refusal(['ca', 'revoke', '--dir', 'ca', '00ff'])).code).toBe(
      'REVOCATION_NOT_POSSIBLE',
    );
  });

  test('a CRL without --out goes to standard output', async () => {
    const { status, stdout, stderr } = await site.run(['ca', 'crl', '--dir', 'ca']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^-----BEGIN X509 CRL-----\n[^-]+-----END X509 CRL-----\n$/);
  });

  async function freshRequest(name: string): Promise<string> {
    await site.runJson(raCountersign('by-openssl-p256.pem', `${name}.cms`));
    return `${name}.cms`;
  }

  async function subjectOf(certificate: string): Promise<string> {
    return (
      await openssl(['x509', '-in', certificate, '-noout', '-subject', '-nameopt', 'RFC2253'], site.path)
    ).trim();
  }

  async function publicKeyIn(kind: 'x509' | 'req', file: string): Promise<string> {
    return openssl([kind, '-in', file, '-noout', '-pubkey'], site.path);
  }

  async function bytesOf(name: string): Promise<Buffer> {
    return readFile(join(site.path, name));
  }
});

test('a CA and an RA work in directories of any name, and stay whole when they are moved', async () => {
  const site = await enrollmentSite({ name: "it's a+b#c, what? 100%25 (ça & là)" });
  try {
    await site.runJson(raCountersign('alice.pem', 'alice.cms'));
    await site.runJson(caIssue('alice.cms', 'alice.crt'));
    await rename(join(site.path, 'ca'), join(site.path, 'moved & renamed'));
    await site.runJson(['ca', 'crl', '--dir', 'moved & renamed', '--out', 'ca.crl']);
    const crl = ['crl', '-in', 'ca.crl', '-CAfile', 'moved & renamed/ca.pem'];
    expect(await verifies(crl, site.path)).toBe(true);
  } finally {
    await site.remove();
  }
});
