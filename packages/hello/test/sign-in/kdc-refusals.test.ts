import { expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { aliceSignsIn, enrollAlice } from './alice-signs-in.ts';
import { certificateByHand, extendedKeyUsage, keyUsage } from './certificate-by-hand.ts';
import { generateExportableKey } from '@countersign/hello/trial-domain';
import { startMitKdc, type MitKdc, type MitKdcOptions } from './mit-kdc.ts';
import { createTestPki, type TestPki } from './test-pki.ts';

async function startKdc(pki: TestPki, options: Partial<MitKdcOptions> = {}): Promise<MitKdc> {
  return startMitKdc({ ...(await pki.issueKdc()), anchors: [pki.caCertificate], ...options });
}

test("another user's certificate is not Alice's", async () => {
  const { pki } = await enrollAlice();
  const key = await generateExportableKey('p256');
  const certificate = await pki.enroll(key, 'bob');
  const kdc = await startKdc(pki);
  const error = await refusal(
    aliceSignsIn({ pki, key, certificate }, kdc.address),
    'CERTIFICATE_NOT_OF_USER',
  );
  expect(error.message).toContain('KDC_ERR_CLIENT_NAME_MISMATCH');
  await aliceSignsIn({ pki, key, certificate }, kdc.address, { user: 'bob' });
});

test('a user whom the KDC does not know', async () => {
  const enrolled = await enrollAlice();
  const kdc = await startKdc(enrolled.pki);
  await refusal(aliceSignsIn(enrolled, kdc.address, { user: 'carol' }), 'USER_NOT_FOUND');
});

test('a realm of which the KDC knows no users', async () => {
  const enrolled = await enrollAlice();
  const kdc = await startKdc(enrolled.pki);
  await refusal(aliceSignsIn(enrolled, kdc.address, { realm: 'OTHER.TEST' }), 'USER_NOT_FOUND');
});

test('a certificate that has expired is not sent', async () => {
  const longAgo = await createTestPki(new Date('2020-01-01T00:00:00Z'));
  const key = await generateExportableKey('p256');
  const certificate = await longAgo.enroll(key, 'alice');
  const nowhere = { host: '127.0.0.1', port: 9 };
  await refusal(aliceSignsIn({ pki: longAgo, key, certificate }, nowhere), 'CERTIFICATE_EXPIRED');
});

test('a certificate that has expired by the clock of the KDC alone is refused by it', async () => {
  const then = new Date('2020-01-01T00:00:00Z');
  const longAgo = await createTestPki(then);
  const key = await generateExportableKey('p256');
  const certificate = await longAgo.enroll(key, 'alice');
  const kdc = await startKdc(await createTestPki(), { anchors: [longAgo.caCertificate] });
  const clock = (): Date => new Date(then.getTime() + 3_600_000);
  const options = { clock, lifetimeSeconds: 2_000_000_000 };
  const error = await refusal(
    aliceSignsIn({ pki: longAgo, key, certificate }, kdc.address, options),
    'CERTIFICATE_EXPIRED',
  );
  expect(error.message).toMatch(/error 7[01]/u);
  expect(error.message).toContain(`expired at ${certificate.notAfter.toISOString()}`);
});

test('a certificate of a CA that the KDC does not trust', async () => {
  const enrolled = await enrollAlice();
  const other = await createTestPki(new Date(), 'CN=Other CA');
  const kdc = await startKdc(enrolled.pki, { anchors: [other.caCertificate] });
  await refusal(aliceSignsIn(enrolled, kdc.address), 'CERTIFICATE_NOT_TRUSTED');
});

test('a certificate that was revoked', async () => {
  const { pki, key, certificate } = await enrollAlice();
  const before = await startKdc(pki, { crl: await pki.createCrl() });
  await aliceSignsIn({ pki, key, certificate }, before.address);
  await pki.revoke(certificate);
  const kdc = await startKdc(pki, { crl: await pki.createCrl() });
  const error = await refusal(aliceSignsIn({ pki, key, certificate }, kdc.address), 'CERTIFICATE_REVOKED');
  expect(error.message).toContain('KDC_ERR_REVOKED_CERTIFICATE');
});

test('a KDC that insists on CRLs and has none cannot tell', async () => {
  const enrolled = await enrollAlice();
  const settings = ['pkinit_require_crl_checking = true'];
  const kdc = await startKdc(enrolled.pki, { settings });
  await refusal(aliceSignsIn(enrolled, kdc.address), 'REVOCATION_UNKNOWN');
});

test('a certificate that is not for sign-in', async () => {
  const { pki, key, certificate } = await enrollAlice();
  const wrong = await certificateByHand(pki.caKey, {
    issuer: pki.caCertificate.subject,
    subject: 'CN=alice',
    publicKey: key.publicKey,
    extensions: [
      keyUsage(0x80),
      extendedKeyUsage('1.3.6.1.5.5.7.3.4'),
      ...certificate.extensions.filter(({ oid }) => oid === '2.5.29.17'),
    ],
  });
  const kdc = await startKdc(pki);
  await refusal(aliceSignsIn({ pki, key, certificate: wrong }, kdc.address), 'PURPOSE_NOT_PERMITTED');
});

test('a clock that is an hour early', async () => {
  const enrolled = await enrollAlice();
  const kdc = await startKdc(enrolled.pki);
  const error = await refusal(aliceSignsIn(enrolled, kdc.address, { clock: anHourEarly }), 'CLOCK_SKEW');
  expect(error.message).toContain('KRB_AP_ERR_SKEW');
});

test('a disabled account', async () => {
  const enrolled = await enrollAlice();
  const kdc = await startKdc(enrolled.pki, { queries: ['modprinc -allow_tix alice'] });
  await refusal(aliceSignsIn(enrolled, kdc.address), 'ACCOUNT_DISABLED');
});

test('an account that has expired', async () => {
  const enrolled = await enrollAlice();
  const kdc = await startKdc(enrolled.pki, { queries: ['modprinc -expire yesterday alice'] });
  await refusal(aliceSignsIn(enrolled, kdc.address), 'ACCOUNT_DISABLED');
});

test('encryption types of which the KDC has none', async () => {
  const enrolled = await enrollAlice();
  const settings = ['supported_enctypes = aes256-cts-hmac-sha1-96:normal'];
  const queries = ['setstr krbtgt/CONTOSO.TEST session_enctypes aes256-cts-hmac-sha1-96'];
  const kdc = await startKdc(enrolled.pki, { settings, queries });
  const encryptionTypes = ['aes128-cts-hmac-sha256-128'] as const;
  await refusal(aliceSignsIn(enrolled, kdc.address, { encryptionTypes }), 'ALGORITHM_NOT_SUPPORTED');
});

test('a KDC without a certificate of its own does not offer the sign-in', async () => {
  const enrolled = await enrollAlice();
  const kdc = await startKdc(enrolled.pki, { settings: ['pkinit_identity = FILE:/nonexistent'] });
  const error = await refusal(aliceSignsIn(enrolled, kdc.address), 'KDC_REFUSED');
  expect(error.hint).toContain('pkinit_identity');
});

function anHourEarly(): Date {
  return new Date(Date.now() + 3_600_000);
}
