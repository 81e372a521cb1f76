import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alice, emptySite, filesOf, type Site } from './enrollment-site.ts';
import { openssl, verifies } from './openssl.ts';
import { textIn } from './run-countersign.ts';

const pin = { COUNTERSIGN_PIN: '482913' };
const aliceKey = 'memory:object=alice';

let site: Site;
beforeAll(async () => {
  site = await emptySite();
});
afterAll(async () => site.remove());

describe('a key', () => {
  test('is generated under a PIN and printed as its reference', async () => {
    const { status, stdout, stderr } = await site.run(['key', 'generate', '--label', 'alice'], pin);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^memory:id=[0-9a-f]{32}\?store=\S+\n$/);
    const shown = await site.runJson(['key', 'show', '--provider', stdout.trim()]);
    expect(shown).toMatchObject({ label: 'alice', algorithm: 'p256', state: 'pre-activation' });
    await writeFile(join(site.path, 'public.pem'), textIn(shown, 'publicKey'));
    expect(
      await openssl(['pkey', '-pubin', '-in', 'public.pem', '-noout', '-text_pub'], site.path),
    ).toContain('NIST CURVE: P-256');
  });

  test('is not generated under a PIN that is too short', async () => {
    const before = await filesOf(site);
    expect((await site.refusal(['key', 'generate'], { COUNTERSIGN_PIN: '123' })).code).toBe('PIN_INVALID');
    expect((await site.refusal(['key', 'generate'])).code).toBe('PIN_REQUIRED');
    expect(await filesOf(site)).toEqual(before);
  });

  test('is listed, found by its label, and ambiguous if two have it', async () => {
    await site.runJson(['key', 'generate', '--label', 'twin', '--algorithm', 'rsa2048'], pin);
    await site.runJson(['key', 'generate', '--label', 'twin'], pin);
    const { keys } = await site.runJson(['key', 'list']);
    expect(keys).toHaveLength(3);
    const { stdout } = await site.run(['key', 'list', '--provider', 'memory']);
    expect(stdout.trim().split('\n')).toHaveLength(3);
    expect(stdout).toContain('rsa2048');
    const refusal = await site.refusal(['key', 'show', '--provider', 'memory:object=twin']);
    expect(refusal.code).toBe('KEY_AMBIGUOUS');
    expect((await site.refusal(['key', 'show', '--provider', 'memory:object=none'])).code).toBe(
      'KEY_NOT_FOUND',
    );
    expect((await site.refusal(['key', 'show', '--provider', 'memory:objekt=x'])).code).toBe(
      'KEY_REFERENCE_MALFORMED',
    );
    expect((await site.refusal(['key', 'list', '--provider', 'smartcard:'])).code).toBe(
      'PROVIDER_NOT_AVAILABLE',
    );
  });

  test('is destroyed for good; its history stays', async () => {
    const made = await site.runJson(['key', 'generate', '--label', 'doomed'], pin);
    const destroyed = await site.runJson(['key', 'destroy', '--provider', 'memory:object=doomed']);
    expect(destroyed).toMatchObject({ keyId: made['keyId'], state: 'destroyed' });
    expect((await site.refusal(['key', 'show', '--provider', textIn(made, 'ref')])).code).toBe(
      'KEY_NOT_FOUND',
    );
    const create = ['request', 'create', '--key', textIn(made, 'ref')];
    expect((await site.refusal(create, pin)).code).toBe('KEY_NOT_FOUND');
    expect((await filesOf(site)).join('\n')).not.toContain(
      /id=([0-9a-f]{32})/.exec(textIn(made, 'ref'))?.[1],
    );
  });
});

describe('a request', () => {
  test('is made with a key, and openssl accepts it', async () => {
    const create = ['request', 'create', '--key', aliceKey, '--subject', 'CN=Alice,O=Contoso'];
    const outcome = await site.run([...create, '--upn', alice.upn, '--out', 'alice.pem'], pin);
    expect(outcome).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(await verifies(['req', '-in', 'alice.pem', '-verify'], site.path)).toBe(true);
    const text = await openssl(
      ['req', '-in', 'alice.pem', '-noout', '-text', '-nameopt', 'RFC2253'],
      site.path,
    );
    expect(text).toContain('Subject: CN=Alice,O=Contoso\n');
    expect(text).toContain(`othername: UPN::${alice.upn}`);
  });

  test('goes to standard output without --out', async () => {
    const { stdout } = await site.run(['request', 'create', '--key', aliceKey], pin);
    await writeFile(join(site.path, 'piped.pem'), stdout);
    expect(await verifies(['req', '-in', 'piped.pem', '-verify'], site.path)).toBe(true);
  });

  test('is not made with a wrong PIN, nor for a malformed name', async () => {
    const before = await filesOf(site);
    const create = ['request', 'create', '--key', aliceKey, '--out', 'no.pem'];
    expect((await site.refusal(create, { COUNTERSIGN_PIN: '000000' })).code).toBe('PIN_INCORRECT');
    expect((await site.refusal([...create, '--subject', 'Alice'], pin)).code).toBe('NAME_MALFORMED');
    expect(await filesOf(site)).toEqual(before);
  });

  test('is shown with what it asks for, in PEM and in DER', async () => {
    const shown = await site.runJson(['request', 'show', 'alice.pem']);
    expect(shown).toMatchObject({
      subject: 'CN=Alice,O=Contoso',
      algorithm: 'p256',
      scheme: 'ecdsa-sha256',
      proofOfPossession: 'valid',
      userPrincipalNames: [alice.upn],
    });
    await openssl(['req', '-in', 'alice.pem', '-outform', 'DER', '-out', 'alice.der'], site.path);
    expect(await site.runJson(['request', 'show', 'alice.der'])).toEqual(shown);
    const { stdout } = await site.run(['request', 'show', 'alice.pem']);
    expect(stdout).toMatch(/^proof of possession +valid$/m);
  });

  test('is shown to lack proof of possession where its signature does not hold', async () => {
    const der = await readFile(join(site.path, 'alice.der'));
    der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1);
    await writeFile(join(site.path, 'altered.der'), der);
    expect(await verifies(['req', '-inform', 'DER', '-in', 'altered.der', '-verify'], site.path)).toBe(false);
    expect(await site.runJson(['request', 'show', 'altered.der'])).toMatchObject({
      proofOfPossession: 'INVALID',
    });
  });
});
