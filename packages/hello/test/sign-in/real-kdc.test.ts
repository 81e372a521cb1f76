import { join } from 'node:path';
import {
  encryptionTypes,
  formatPrincipal,
  isEncryptionType,
  signIn,
  writeCredentialCache,
  type SignInOptions,
  type TicketGrantingTicket,
} from '@countersign/hello/sign-in';
import { createMemoryProvider } from '@countersign/provider-memory';
import { expect, onTestFinished, test } from 'vitest';
import { aliceSignsIn, enrollAlice } from './alice-signs-in.ts';
import { generateExportableKey } from '@countersign/hello/trial-domain';
import { runWithCache, startMitKdc, type MitKdc, type MitKdcOptions } from './mit-kdc.ts';
import { createTestPki, realm } from './test-pki.ts';

test.for(['rsa2048', 'p256', 'p384'] as const)(
  'a %s key in memory signs in, and MIT Kerberos gets a service ticket with what comes of it',
  async (algorithm) => {
    const pki = await createTestPki();
    const kdc = await startMitKdc({ ...(await pki.issueKdc()), anchors: [pki.caCertificate] });
    const provider = await createMemoryProvider();
    onTestFinished(async () => provider.close());
    const key = await provider.generate({ algorithm });
    const certificate = await pki.enroll(key, 'alice');
    const ticket = await aliceSignsIn({ pki, key, certificate }, kdc.address);
    await expectServiceTicket(kdc, ticket);
  },
);

test.for(['rsa-pss-sha256', 'rsa-pkcs1-sha512'] as const)('an RSA key signs with %s', async (scheme) => {
  const pki = await createTestPki();
  const kdc = await startMitKdc({ ...(await pki.issueKdc()), anchors: [pki.caCertificate] });
  const provider = await createMemoryProvider();
  onTestFinished(async () => provider.close());
  const key = await provider.generate({ algorithm: 'rsa2048' });
  const certificate = await pki.enroll(key, 'alice');
  await expectServiceTicket(kdc, await aliceSignsIn({ pki, key, certificate }, kdc.address, { scheme }));
});

test('a KDC with an elliptic-curve certificate is taken', async () => {
  const { kdc, options } = await realmWithAlice({}, 'p256');
  await expectServiceTicket(kdc, await signIn(options));
});

test.for(Object.keys(encryptionTypes).filter(isEncryptionType))(
  'everything goes with %s alone',
  async (encryptionType) => {
    const settings = [`supported_enctypes = ${encryptionType}:normal`];
    const { kdc, options } = await realmWithAlice({ settings });
    const ticket = await signIn({ ...options, encryptionTypes: [encryptionType] });
    expect(ticket.agreement.encryptionType).toBe(encryptionType);
    expect(ticket.sessionKey.encryptionType).toBe(encryptionType);
    await expectServiceTicket(kdc, ticket);
  },
);

test('a KDC that wants 4096 bits gets group 16', async () => {
  const { kdc, options } = await realmWithAlice({ settings: ['pkinit_dh_min_bits = 4096'] });
  const ticket = await signIn(options);
  expect(ticket.agreement.dhGroup).toBe(16);
  await expectServiceTicket(kdc, ticket);
});

test('group 14 and a key derivation of RFC 8636 are what is agreed upon otherwise', async () => {
  const { options } = await realmWithAlice();
  const { agreement } = await signIn(options);
  expect(agreement.dhGroup).toBe(14);
  expect(agreement.keyDerivation).toMatch(/^1\.3\.6\.1\.5\.2\.3\.6\.[23]$/u);
});

test('a KDC that insists on freshness tokens (RFC 8070) gets its token back', async () => {
  const { kdc, options } = await realmWithAlice({ settings: ['pkinit_require_freshness = true'] });
  await expectServiceTicket(kdc, await signIn(options));
  expect(await kdc.log()).toMatch(/freshness token received/u);
});

test('a ticket is renewable and forwardable when asked for', async () => {
  const { kdc, options } = await realmWithAlice();
  const ticket = await signIn({
    ...options,
    lifetimeSeconds: 1800,
    renewableSeconds: 7200,
    forwardable: true,
  });
  const seconds = (ticket.endTime.getTime() - ticket.startTime.getTime()) / 1000;
  expect(seconds).toBeGreaterThan(1700);
  expect(seconds).toBeLessThanOrEqual(1800);
  const cache = await cacheOf(kdc, ticket);
  expect(await runWithCache(kdc, cache, 'klist', '-f')).toMatch(/Flags: FRIA/u);
  await runWithCache(kdc, cache, 'kinit', '-R');
});

test('a user principal name goes to the KDC as one name', async () => {
  const queries = [String.raw`addprinc -nokey +requires_preauth alice\@${realm}`];
  const { options } = await realmWithAlice({ queries });
  const { client } = await signIn({ ...options, user: `alice@${realm}` });
  expect(formatPrincipal(client)).toBe(String.raw`alice\@${realm}@${realm}`);
});

test('a user who need not preauthenticate signs in with the certificate all the same', async () => {
  const { kdc, options } = await realmWithAlice({ aliceFlags: ['-randkey', '-requires_preauth'] });
  await expectServiceTicket(kdc, await signIn(options));
});

async function realmWithAlice(
  settings: Pick<MitKdcOptions, 'settings' | 'aliceFlags' | 'queries'> = {},
  kdcKey: 'rsa2048' | 'p256' = 'rsa2048',
): Promise<{ readonly kdc: MitKdc; readonly options: SignInOptions }> {
  const { pki, key, certificate } = await enrollAlice();
  const identity = await pki.issueKdc({ key: await generateExportableKey(kdcKey) });
  const kdc = await startMitKdc({ ...identity, anchors: [pki.caCertificate], ...settings });
  const kdcTrust = { trustAnchors: [pki.caCertificate] };
  return { kdc, options: { key, certificate, user: 'alice', realm, kdc: kdc.address, kdcTrust } };
}

async function expectServiceTicket(kdc: MitKdc, ticket: TicketGrantingTicket): Promise<void> {
  const cache = await cacheOf(kdc, ticket);
  expect(await runWithCache(kdc, cache, 'kvno', 'HTTP/web')).toContain(`HTTP/web@${realm}: kvno = 1`);
  const listed = await runWithCache(kdc, cache, 'klist');
  expect(listed).toContain(`Default principal: alice@${realm}`);
  expect(listed).toContain(` krbtgt/${realm}@${realm}`);
  expect(listed).toContain(` HTTP/web@${realm}`);
}

async function cacheOf(kdc: MitKdc, ticket: TicketGrantingTicket): Promise<string> {
  const cache = join(kdc.folder, 'cache');
  await writeCredentialCache(cache, ticket);
  return cache;
}
