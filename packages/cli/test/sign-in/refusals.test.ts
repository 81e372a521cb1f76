import { join } from 'node:path';
import { isPinProtected } from '@countersign/core';
import { signIn, type SignInOptions } from '@countersign/hello/sign-in';
import type { KdcIdentity } from '@countersign/hello/trial-domain';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { demoUser, type DemoUser } from '../../src/demo/demo-user.ts';
import { issueKdcIdentity } from '../../src/demo/full/issue-kdc-identity.ts';
import { signInToRealm } from '../../src/demo/full/sign-in-to-realm.ts';
import { startDemoKdc, type DemoKdc } from '../../src/demo/full/start-demo-kdc.ts';
import { demoProviders, type DemoProvider } from '../../src/demo/user-keys.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { atAnotherTime } from './at-another-time.ts';
import { refusal } from './refusal.ts';
import {
  signInSite,
  tokenForServices,
  unlocked,
  userKeys,
  type EnrolledKey,
  type SignInSite,
  type UserKeys,
} from './sign-in-site.ts';

const bob: DemoUser = {
  upn: 'bob@CONTOSO.TEST',
  sid: 'S-1-5-21-1004336348-1177238915-682003330-1105',
  distinguishedName: 'CN=Bob,OU=Users,DC=contoso,DC=test',
  account: String.raw`CONTOSO\bob`,
  groups: [],
};

const places = new Map<string, UserKeys>();
let folder: string;
let removeFolder: () => Promise<void>;
let site: SignInSite;
let realm: DemoKdc;
let identity: KdcIdentity;

beforeAll(async () => {
  ({ path: folder, remove: removeFolder } = await temporaryDirectory());
  for (const name of demoProviders) places.set(name, await userKeys(name, join(folder, name)));
  site = await newSite('site');
  realm = await startDemoKdc(site.ca, demoUser.upn, () => undefined);
  identity = await issueKdcIdentity(site.ca, realm.realm, 'dc.contoso.test');
});

afterAll(async () => {
  await realm?.stop();
  for (const keys of places.values()) await keys.close();
  await removeFolder();
});

test('a certificate that was revoked is refused as soon as the KDC has the CRL', async () => {
  const enrolled = await site.enroll(placeOf('pkcs11'), demoUser.upn, 'p256');
  await signInAs(enrolled);
  await site.revoke(enrolled.certificate);
  await restartKdc(site, identity);
  const error = await refusal(signInAs(enrolled), 'CERTIFICATE_REVOKED');
  expect(error.message).toContain('KDC_ERR_REVOKED_CERTIFICATE');
  // The control: it is that certificate, and no other.
  await signInAs(await site.enroll(placeOf('pkcs11'), demoUser.upn, 'p256'));
});

test.each(demoProviders)('a wrong PIN of a key of the provider %s signs nobody in', async (name) => {
  const enrolled = await site.enroll(placeOf(name), demoUser.upn, 'p256');
  const key = await enrolled.open();
  if (!isPinProtected(key)) throw new Error(`keys of ${name} have no PIN`);
  const issuedBefore = await ticketsIssued();
  await refusal(key.unlock(Buffer.from('482914')), 'PIN_INCORRECT');
  const { certificate } = enrolled;
  const options = {
    key,
    certificate,
    trustAnchors: [site.caCertificate],
    cacheFile: join(folder, 'no-cache'),
  };
  await refusal(
    signInToRealm(realm, options, () => undefined),
    'PIN_REQUIRED',
  );
  expect(await ticketsIssued()).toBe(issuedBefore);
  await signInAs(enrolled);
  expect(await ticketsIssued()).toBeGreaterThan(issuedBefore);
});

test("another user's certificate is refused", async () => {
  const enrolled = await site.enroll(placeOf('pkcs11'), bob.upn, 'p256');
  const error = await refusal(signInAs(enrolled), 'CERTIFICATE_NOT_OF_USER');
  expect(error.message).toContain('KDC_ERR_CLIENT_NAME_MISMATCH');
});

test('a certificate that has expired is refused: here, and by the KDC if the clock here is wrong', async () => {
  const then = new Date('2024-05-06T07:08:09Z');
  const old = await atAnotherTime(then, async () => {
    const oldSite = await newSite('old');
    return { site: oldSite, enrolled: await oldSite.enroll(placeOf('pkcs11'), demoUser.upn, 'p256') };
  });
  await restartKdc(old.site, await issueKdcIdentity(old.site.ca, realm.realm, 'dc.contoso.test'));
  onTestFinished(async () => restartKdc(site, identity));
  const options = await optionsFor(old.enrolled, old.site);
  const here = await refusal(signIn(options), 'CERTIFICATE_EXPIRED');
  expect(here.message).not.toContain('the KDC of');
  const clock = (): Date => new Date(then.getTime() + 3_600_000);
  const there = await refusal(
    signIn({ ...options, clock, lifetimeSeconds: 2_000_000_000 }),
    'CERTIFICATE_EXPIRED',
  );
  expect(there.message).toMatch(/the KDC of CONTOSO\.TEST refuses the sign-in.*error 7[01]/u);
});

test('a KDC with a certificate of another CA is not trusted', async () => {
  const enrolled = await site.enroll(placeOf('pkcs11'), demoUser.upn, 'p256');
  const other = await newSite('other');
  await realm.mit.restart({
    identity: await issueKdcIdentity(other.ca, realm.realm, 'dc.contoso.test'),
    anchors: [site.caCertificate, other.caCertificate],
  });
  onTestFinished(async () => restartKdc(site, identity));
  const error = await refusal(signInAs(enrolled), 'KDC_NOT_TRUSTED');
  expect(error.cause).toMatchObject({ code: 'PATH_NOT_FOUND' });
});

test('a KDC with a certificate for another realm is not trusted', async () => {
  const enrolled = await site.enroll(placeOf('pkcs11'), demoUser.upn, 'p256');
  await restartKdc(site, await issueKdcIdentity(site.ca, 'OTHER.TEST', 'dc.other.test'));
  onTestFinished(async () => restartKdc(site, identity));
  const error = await refusal(signInAs(enrolled), 'KDC_NOT_TRUSTED');
  expect(error.message).toContain('krbtgt/OTHER.TEST@OTHER.TEST');
});

async function newSite(name: string): Promise<SignInSite> {
  const provider = await tokenForServices(folder);
  const made = await signInSite(join(folder, name), { algorithm: 'p256', provider });
  for (const user of [demoUser, bob]) await made.addUser(user);
  return made;
}

/** With the CRL of this moment, and the CA of the site as the only one that it trusts. */
async function restartKdc({ caCertificate, createCrl }: SignInSite, kdc: KdcIdentity): Promise<void> {
  await realm.mit.restart({ identity: kdc, anchors: [caCertificate], crl: await createCrl() });
}

async function signInAs(enrolled: EnrolledKey): Promise<void> {
  await signIn(await optionsFor(enrolled, site));
}

async function optionsFor(enrolled: EnrolledKey, of: SignInSite): Promise<SignInOptions> {
  return {
    key: await unlocked(enrolled),
    certificate: enrolled.certificate,
    user: realm.userName,
    realm: realm.realm,
    kdc: realm.kdc,
    kdcTrust: { trustAnchors: [of.caCertificate] },
  };
}

async function ticketsIssued(): Promise<number> {
  return (await realm.mit.log()).match(/AS_REQ.*ISSUE/gu)?.length ?? 0;
}

function placeOf(name: DemoProvider): UserKeys {
  const keys = places.get(name);
  if (keys === undefined) throw new Error(`there are no keys of ${name}`);
  return keys;
}
