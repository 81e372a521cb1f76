import { join } from 'node:path';
import type { CountersignError } from '@countersign/core';
import { signIn } from '@countersign/hello/sign-in';
import { sambaDomainTimeoutMs, type KdcIdentity } from '@countersign/hello/trial-domain';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demoUser } from '../../src/demo/demo-user.ts';
import { issueKdcIdentity } from '../../src/demo/full/issue-kdc-identity.ts';
import { signInToRealm, type RealmSignInOutcome } from '../../src/demo/full/sign-in-to-realm.ts';
import { startDemoDomain, type DemoDomain } from '../../src/demo/full/start-demo-domain.ts';
import { demoProviders } from '../../src/demo/user-keys.ts';
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

// One domain for all of them, since there can be only one on a machine.
const places = new Map<string, UserKeys>();
let folder: string;
let removeFolder: () => Promise<void>;
let site: SignInSite;
let domain: DemoDomain;
const started: string[] = [];

beforeAll(async () => {
  ({ path: folder, remove: removeFolder } = await temporaryDirectory());
  for (const name of demoProviders) places.set(name, await userKeys(name, join(folder, name)));
  site = await newSite('site');
  const alice = { upn: demoUser.upn, commonName: 'Alice Example' };
  domain = await startDemoDomain(site.ca, alice, (line) => started.push(line));
  await site.addUser(domain.user);
}, sambaDomainTimeoutMs);

afterAll(async () => {
  await domain?.stop();
  for (const keys of places.values()) await keys.close();
  await removeFolder();
});

test('the user is read back from the directory', () => {
  const { samba, user } = domain;
  expect(user).toMatchObject({
    upn: demoUser.upn,
    account: demoUser.account,
    distinguishedName: 'CN=Alice Example,CN=Users,DC=contoso,DC=test',
  });
  expect(user.sid).toMatch(/^S-1-5-21-\d+-\d+-\d+-\d{4}$/u);
  expect(started.join('\n')).toContain(user.sid);
  expect(started.join('\n')).toContain(samba.version);
});

test.each(demoProviders)(
  'the domain lets in an RSA key of the provider %s, and its directory sees the user',
  async (name) => {
    const enrolled = await site.enroll(placeOf(name), demoUser.upn, 'rsa2048');
    const did: string[] = [];
    const outcome = await signInAs(enrolled, (line) => did.push(line));
    expect(outcome).toMatchObject({ signedIn: true, client: demoUser.upn });
    expect(did).toContain('kvno: ldap/dc.contoso.test@CONTOSO.TEST: kvno = 1');
    expect(did).toContain('klist: krbtgt/CONTOSO.TEST@CONTOSO.TEST, ldap/dc.contoso.test@CONTOSO.TEST');
    expect(did.at(-1)).toMatch(`ldapsearch -Y GSSAPI: the directory sees ${domain.user.sid}, in `);
  },
);

test('that it takes RSA alone is told plainly, and is an error of its own', async () => {
  const enrolled = await site.enroll(placeOf('tpm'), demoUser.upn, 'p256');
  const did: string[] = [];
  const outcome = await signInAs(enrolled, (line) => did.push(line));
  if (outcome.signedIn) throw new Error('this version of Samba takes elliptic curves');
  expect(outcome.refusal.code).toBe('ALGORITHM_NOT_SUPPORTED');
  expect(outcome.refusal.message).toContain('the key of the user is p256');
  expect(did[0]).toMatch(/^not signed in: Samba 4\..* takes RSA keys alone/u);
});

test("another user's certificate is refused", async () => {
  const bob = await addUser('bob');
  const enrolled = await site.enroll(placeOf('pkcs11'), bob, 'rsa2048');
  const error = await refusal(signInAs(enrolled), 'CERTIFICATE_NOT_OF_USER');
  expect(error.message).toContain('not allowed to impersonate principal');
  expect(
    await signInAs(enrolled, undefined, { ...domain, userName: bob, directory: undefined }),
  ).toMatchObject({
    signedIn: true,
  });
});

test('a disabled account is refused, whatever its certificate says', async () => {
  const carol = await addUser('carol', { disabled: true });
  const enrolled = await site.enroll(placeOf('pkcs11'), carol, 'rsa2048');
  await refusal(signInAs(enrolled, undefined, { ...domain, userName: carol }), 'ACCOUNT_DISABLED');
});

test('a certificate that has expired is refused by the KDC, if the clock here is wrong', async () => {
  const then = new Date('2024-05-06T07:08:09Z');
  const { old, enrolled } = await atAnotherTime(then, async () => {
    const oldSite = await newSite('old');
    await oldSite.addUser(domain.user);
    return { old: oldSite, enrolled: await oldSite.enroll(placeOf('pkcs11'), demoUser.upn, 'rsa2048') };
  });
  const identity = await issueKdcIdentity(site.ca, domain.realm, domain.samba.hostName);
  await domain.samba.restart({ identity, anchors: [site.caCertificate, old.caCertificate] });
  const error = await refusal(
    signIn({
      key: await unlocked(enrolled),
      certificate: enrolled.certificate,
      user: domain.userName,
      realm: domain.realm,
      kdc: domain.kdc,
      kdcTrust: { trustAnchors: [site.caCertificate] },
      clock: () => new Date(then.getTime() + 3_600_000),
      lifetimeSeconds: 2_000_000_000,
    }),
    'CERTIFICATE_EXPIRED',
  );
  expect(error.message).toContain('the KDC of CONTOSO.TEST refuses the sign-in');
});

test('a KDC with a certificate of another CA, or for another realm, is not trusted', async () => {
  const enrolled = await site.enroll(placeOf('pkcs11'), demoUser.upn, 'rsa2048');
  const other = await newSite('other');
  const anchors = [site.caCertificate];
  const { realm, samba } = domain;
  const own = await issueKdcIdentity(site.ca, realm, samba.hostName);
  const wrong: [KdcIdentity, (error: CountersignError) => void][] = [
    [
      await issueKdcIdentity(other.ca, realm, samba.hostName),
      ({ cause }) => expect(cause).toMatchObject({ code: 'PATH_NOT_FOUND' }),
    ],
    [
      await issueKdcIdentity(site.ca, 'OTHER.TEST', samba.hostName),
      ({ message }) => expect(message).toContain('krbtgt/OTHER.TEST@OTHER.TEST'),
    ],
  ];
  for (const [identity, check] of wrong) {
    await samba.restart({ identity, anchors });
    check(await refusal(signInAs(enrolled), 'KDC_NOT_TRUSTED'));
  }
  await samba.restart({ identity: own, anchors });
  expect(await signInAs(enrolled)).toMatchObject({ signedIn: true });
});

async function signInAs(
  enrolled: EnrolledKey,
  did: (line: string) => void = () => undefined,
  realm = domain,
): Promise<RealmSignInOutcome> {
  const { certificate } = enrolled;
  const key = await unlocked(enrolled);
  const cacheFile = join(folder, 'cache');
  return signInToRealm(realm, { key, certificate, trustAnchors: [site.caCertificate], cacheFile }, did);
}

async function newSite(name: string): Promise<SignInSite> {
  const provider = await tokenForServices(folder);
  const endorsementRoots = placeOf('tpm').endorsementRoots;
  return signInSite(join(folder, name), { algorithm: 'rsa2048', provider, endorsementRoots });
}

/** In both directories. @returns the user principal name */
async function addUser(name: string, options: { readonly disabled?: boolean } = {}): Promise<string> {
  const user = await domain.samba.addUser({ name, ...options });
  await site.addUser({ ...user, groups: [] });
  return user.upn;
}

function placeOf(name: string): UserKeys {
  const keys = places.get(name);
  if (keys === undefined) throw new Error(`there are no keys of ${name}`);
  return keys;
}
