import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { startSoftwareTpm, type SoftwareTpm } from '@countersign/provider-tpm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addUser, alice, emptySite, raCountersign, caIssue, type Site } from './enrollment-site.ts';
import { openssl, requestByOpenssl, verifies } from './openssl.ts';
import { textIn } from './run-countersign.ts';

const pin = { COUNTERSIGN_PIN: '482913' };
let site: Site;
let tpm: SoftwareTpm;

beforeAll(async () => {
  site = await emptySite();
  tpm = await startSoftwareTpm(join(site.path, 'tpm'));
  await addUser(site, alice);
  const attestation = ['--attestation', 'required'];
  await site.runJson(['ca', 'init', '--dir', 'ca', '--directory', 'dir', ...attestation]);
  const roots = ['--endorsement-roots', tpm.endorsementRoots];
  await site.runJson(['ra', 'init', '--dir', 'ra', '--ca', 'ca', ...roots]);
});
afterAll(async () => {
  await tpm.stop();
  await site.remove();
});

describe('a key in a TPM, under a CA that requires attestation', () => {
  test('is enrolled with its evidence, and its certificate says so', async () => {
    const made = await site.runJson(['key', 'generate', '--provider', tpm.uri, '--label', 'alice'], pin);
    const key = textIn(made, 'ref');
    const request = ['request', 'create', '--key', key, '--upn', alice.upn, '--out', 'alice.pem'];
    await site.runJson([...request, '--attest', 'ra'], pin);
    await site.runJson(['directory', 'add', '--dir', 'dir', '--upn', alice.upn, '--key', 'alice.pem']);
    await site.runJson(raCountersign('alice.pem', 'alice.cms'));
    await site.runJson(caIssue('alice.cms', 'certificate.pem'));
    await openssl(['verify', '-x509_strict', '-CAfile', 'ca/ca.pem', 'certificate.pem'], site.path);
    expect(await openssl(['x509', '-in', 'certificate.pem', '-noout', '-text'], site.path)).toContain(
      'Policy: 1.3.6.1.4.1.311.21.31',
    );
    const installed = await site.runJson(['key', 'install', '--provider', key, '--cert', 'certificate.pem']);
    expect(installed).toMatchObject({ state: 'active' });
    const destroyed = await site.runJson(['key', 'destroy', '--provider', key]);
    expect(destroyed).toMatchObject({ state: 'destroyed' });
    expect(await site.runJson(['key', 'list', '--provider', tpm.uri])).toEqual({ keys: [] });
  });

  test('is not enrolled without evidence, nor is a key that is in no TPM', async () => {
    await requestByOpenssl(site.path, 'plain');
    await site.runJson(['directory', 'add', '--dir', 'dir', '--upn', alice.upn, '--key', 'plain.pem']);
    expect((await site.refusal(raCountersign('plain.pem', 'plain.cms'))).code).toBe('ATTESTATION_MISSING');
    const made = await site.runJson(['key', 'generate', '--label', 'software'], pin);
    const request = ['request', 'create', '--key', textIn(made, 'ref'), '--attest', 'ra'];
    const refusal = await site.refusal(request, pin);
    expect(refusal.code).toBe('PROVIDER_NOT_AVAILABLE');
    expect(refusal.hint).toContain('--provider tpm:');
  });

  test('of a manufacturer that the RA does not trust is refused', async () => {
    const other = await startSoftwareTpm(join(site.path, 'other-tpm'));
    try {
      const made = await site.runJson(
        ['key', 'generate', '--provider', `${other.uri}?store=${site.path}/other`],
        pin,
      );
      const request = ['request', 'create', '--key', textIn(made, 'ref'), '--attest', 'ra'];
      expect((await site.refusal(request, pin)).code).toBe('SIGNATURE_INVALID');
    } finally {
      await other.stop();
    }
  });

  test('belongs to its TPM: another one is told from it', async () => {
    const other = await startSoftwareTpm(join(site.path, 'third-tpm'));
    try {
      const refusal = await site.refusal(['key', 'list', '--provider', other.uri]);
      expect(refusal.code).toBe('KEY_HELD_ELSEWHERE');
    } finally {
      await other.stop();
    }
  });
});

test('an RA that was not made for attestation says how to make one', async () => {
  await site.runJson(['ca', 'init', '--dir', 'plain-ca', '--directory', 'dir']);
  await site.runJson(['ra', 'init', '--dir', 'plain-ra', '--ca', 'plain-ca']);
  const made = await site.runJson(['key', 'generate', '--provider', tpm.uri, '--label', 'unattested'], pin);
  const request = ['request', 'create', '--key', textIn(made, 'ref'), '--attest', 'plain-ra'];
  const refusal = await site.refusal(request, pin);
  expect(refusal.code).toBe('STATE_MISSING');
  expect(refusal.hint).toContain('--endorsement-roots');
});

test('a CA keeps its own key in a TPM as well, and moves with its directory', async () => {
  const init = ['ca', 'init', '--dir', 'tpm-ca', '--directory', 'dir', '--provider', tpm.uri];
  await site.runJson(init);
  await rename(join(site.path, 'tpm-ca'), join(site.path, 'moved-ca'));
  await site.runJson(['ca', 'crl', '--dir', 'moved-ca', '--out', 'tpm-ca.crl']);
  const crl = ['crl', '-in', 'tpm-ca.crl', '-CAfile', 'moved-ca/ca.pem'];
  expect(await verifies(crl, site.path)).toBe(true);
});
