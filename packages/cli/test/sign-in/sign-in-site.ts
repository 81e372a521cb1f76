import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  createCertificationRequest,
  isPinProtected,
  KeyCustody,
  Name,
  type Certificate,
  type Key,
} from '@countersign/core';
import { createFileDirectory } from '@countersign/hello';
import { FileKeyRecords } from '@countersign/state';
import { attestKey } from '../../src/authorities/attest-key.ts';
import { initCa, readCaCertificate, withCa } from '../../src/authorities/ca-state.ts';
import { initRa, withRa } from '../../src/authorities/ra-state.ts';
import type { DemoUser } from '../../src/demo/demo-user.ts';
import {
  prepareUserKeys,
  type DemoProvider,
  type UserKeys as PreparedKeys,
} from '../../src/demo/user-keys.ts';
import { openProvider, type OpenedProvider } from '../../src/keys/provider-access.ts';

/** Where the keys of a test's user are, opened. */
export type UserKeys = PreparedKeys & { readonly provider: OpenedProvider };

/** A directory of users, a CA and an RA, as the commands make them. */
export interface SignInSite {
  /** The CA's directory. */
  readonly ca: string;
  readonly caCertificate: Certificate;
  readonly addUser: (user: DemoUser) => Promise<void>;
  /** From a new key to an installed certificate: custody, registration, request, RA, CA. */
  readonly enroll: (keys: UserKeys, upn: string, algorithm: 'rsa2048' | 'p256') => Promise<EnrolledKey>;
  readonly revoke: (certificate: Certificate) => Promise<void>;
  /** CertificateList, DER. */
  readonly createCrl: () => Promise<Uint8Array>;
}

export interface EnrolledKey {
  readonly certificate: Certificate;
  /** The key as a sign-in finds it: locked, and active by its record. */
  readonly open: () => Promise<Key>;
}

export const pin = Buffer.from('482913');

export interface SignInSiteOptions {
  /** Of CA and RA. */
  readonly algorithm: 'rsa2048' | 'p256';
  /** Where CA and RA have their keys; in sealed files by default, which takes longer to open. */
  readonly provider?: string;
  /** Of the TPM whose keys are to be attested. */
  readonly endorsementRoots?: string | undefined;
}

/** The CA is named after the folder. */
export async function signInSite(path: string, options: SignInSiteOptions): Promise<SignInSite> {
  const { algorithm, provider: serviceProvider = 'memory:', endorsementRoots } = options;
  await mkdir(path, { mode: 0o700 });
  const directory = join(path, 'directory');
  const ca = join(path, 'ca');
  const ra = join(path, 'ra');
  const users = await createFileDirectory(directory);
  const service = { provider: serviceProvider, algorithm, pin: { random: true } };
  await initCa(ca, {
    ...service,
    directory,
    subject: Name.fromString(`CN=${basename(path)} CA,O=Contoso`),
    publishUrl: 'http://pki.contoso.test',
    attestation: endorsementRoots === undefined ? 'off' : 'preferred',
  });
  await initRa(ra, {
    ...service,
    ca,
    caPin: {},
    subject: Name.fromString('CN=Contoso RA,O=Contoso'),
    endorsementRoots,
  });
  const asCa = { to: 'sign', pin: {} } as const;
  return {
    ca,
    caCertificate: await readCaCertificate(ca),
    addUser: async (user) => void (await users.addUser(user)),
    async enroll(keys, upn, keyAlgorithm) {
      const { provider } = keys;
      const custody = new KeyCustody({ provider, records: new FileKeyRecords(path) });
      const key = await custody.generate({ algorithm: keyAlgorithm, label: 'hello', pin });
      await users.registerKey(upn, key.publicKey);
      const isAttested = keys.endorsementRoots !== undefined && endorsementRoots !== undefined;
      const attributes = isAttested ? [(await attestKey(ra, provider, key)).attribute] : [];
      const request = await createCertificationRequest(key, { attributes });
      const { der } = await withRa(ra, {}, (authority) => authority.countersign(request, upn));
      const certificate = await withCa(ca, asCa, (authority) => authority.issue(der));
      await custody.installCertificate(key.ref, certificate.der);
      return { certificate, open: async () => lockedKey(custody, key.ref) };
    },
    revoke: async ({ serialNumber }) =>
      withCa(ca, asCa, (authority) => authority.revoke(serialNumber, 'keyCompromise')),
    createCrl: async () => withCa(ca, asCa, (authority) => authority.createCrl()),
  };
}

/** A place for keys, of which only the test knows. */
export async function userKeys(provider: DemoProvider, path: string): Promise<UserKeys> {
  await mkdir(path, { mode: 0o700 });
  const prepared = await prepareUserKeys(provider, path, pin);
  const opened = await openProvider(prepared.uri, join(path, 'keys'));
  return {
    ...prepared,
    provider: opened,
    close: async () => {
      await opened.close();
      await prepared.close();
    },
  };
}

/** The token of the user of the provider `pkcs11`, for the keys of CA and RA. It must be there already. */
export async function tokenForServices(folder: string): Promise<string> {
  const pinFile = join(folder, 'token.pin');
  await writeFile(pinFile, pin, { mode: 0o600 });
  return `pkcs11:token=countersign-demo?module-name=softhsm2&pin-source=${pinFile}`;
}

export async function unlocked(enrolled: EnrolledKey): Promise<Key> {
  const key = await enrolled.open();
  if (isPinProtected(key)) await key.unlock(pin);
  return key;
}

async function lockedKey(custody: KeyCustody, ref: string): Promise<Key> {
  const key = await custody.open(ref);
  if (isPinProtected(key)) key.lock();
  return key;
}
