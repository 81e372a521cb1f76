import {
  CertificationAuthority,
  CertificationRequest,
  createCertificationRequest,
  createCountersignedRequest,
  createRootCertificate,
  Name,
  PublicKey,
  RegistrationAuthority,
  type Certificate,
  type CertificationAuthorityOptions,
  type CertificationRequestFields,
  type Directory,
  type DirectoryUser,
  type Key,
  type KeyAlgorithm,
  type SignatureScheme,
} from '@countersign/core';
import { softwareKey } from './software-key.ts';
import { WatchedLedger } from './watched-ledger.ts';

export const now = new Date('2026-03-04T05:06:07.890Z');

export const alice: DirectoryUser = {
  upn: 'alice@contoso.example',
  sid: 'S-1-5-21-1004336348-1177238915-682003330-512',
  distinguishedName: 'CN=Alice Example,OU=People,DC=contoso,DC=example',
  account: 'CONTOSO\\alice',
  groups: [],
  keyCredentials: [],
};

export const bob: DirectoryUser = {
  upn: 'bob@contoso.example',
  sid: 'S-1-5-21-1004336348-1177238915-682003330-1105',
  distinguishedName: 'CN=Bob Example,OU=People,DC=contoso,DC=example',
  account: 'CONTOSO\\bob',
  groups: [],
  keyCredentials: [],
};

export const template = { oid: '1.3.6.1.4.1.311.21.8.1234567.16384', majorVersion: 100, minorVersion: 3 };

export const caName = Name.fromString('CN=Contoso Issuing CA,O=Contoso');
export const agentName = Name.fromString('CN=Contoso Enrollment Agent,O=Contoso');

/** Users in memory. */
export class MemoryDirectory implements Directory {
  readonly #users: DirectoryUser[];

  constructor(...users: readonly DirectoryUser[]) {
    this.#users = [...users];
  }

  findByUpn(upn: string): Promise<DirectoryUser | undefined> {
    return Promise.resolve(this.#users.find((user) => sameText(user.upn, upn)));
  }

  findByAccount(account: string): Promise<DirectoryUser | undefined> {
    return Promise.resolve(this.#users.find((user) => sameText(user.account, account)));
  }

  /** These keys, and no others, are the user's from now on. */
  setKeys(upn: string, ...keys: readonly Key[]): void {
    this.change(upn, { keyCredentials: keys.map(keyCredential) });
  }

  /** What the directory says of the user from now on. */
  change(upn: string, changes: Partial<DirectoryUser>): void {
    const index = this.#users.findIndex((user) => sameText(user.upn, upn));
    const user = this.#users[index];
    if (user === undefined) throw new Error(`the test directory has no ${upn}`);
    this.#users[index] = { ...user, ...changes };
  }
}

/** A CA, an RA with a certificate from that CA, and a directory in which Alice has registered a key. */
export interface Enrollment {
  /** Assign `clock.now` to move CA and RA in time. */
  readonly clock: { now: Date };
  readonly directory: MemoryDirectory;
  readonly ledger: WatchedLedger;
  readonly caKey: Key;
  /** What the CA's key signed so far. */
  readonly caSigned: readonly Uint8Array[];
  readonly ca: CertificationAuthority;
  readonly caOptions: CertificationAuthorityOptions;
  readonly agentKey: Key;
  readonly agentCertificate: Certificate;
  readonly ra: RegistrationAuthority;
  readonly aliceKey: Key;
}

export interface EnrollmentOptions {
  readonly ca?: KeyAlgorithm;
  readonly caScheme?: SignatureScheme;
  readonly agent?: KeyAlgorithm;
  readonly agentScheme?: SignatureScheme;
  readonly user?: KeyAlgorithm;
}

export async function createEnrollment(options: EnrollmentOptions = {}): Promise<Enrollment> {
  const { ca: caAlgorithm = 'p256', agent = 'p256', user = 'p256' } = options;
  const clock = { now };
  const aliceKey = await softwareKey(user);
  const directory = new MemoryDirectory(alice, bob);
  directory.setKeys(alice.upn, aliceKey);
  const ledger = new WatchedLedger();
  const { key: caKey, signed: caSigned } = watchedKey(await softwareKey(caAlgorithm));
  const caOptions: CertificationAuthorityOptions = {
    key: caKey,
    certificate: await createRootCertificate(caKey, caName, now),
    directory,
    ledger,
    helloLogonTemplate: template,
    crlUris: ['http://pki.contoso.example/ca.crl'],
    caIssuersUris: ['http://pki.contoso.example/ca.cer'],
    clock: () => clock.now,
    ...(options.caScheme === undefined ? {} : { scheme: options.caScheme }),
  };
  const ca = new CertificationAuthority(caOptions);
  const agentKey = await softwareKey(agent);
  const agentCertificate = await issueAgent(ca, agentKey);
  const ra = new RegistrationAuthority({
    key: agentKey,
    certificate: agentCertificate,
    directory,
    clock: () => clock.now,
    ...(options.agentScheme === undefined ? {} : { scheme: options.agentScheme }),
  });
  return {
    clock,
    directory,
    ledger,
    caKey,
    caSigned,
    ca,
    caOptions,
    agentKey,
    agentCertificate,
    ra,
    aliceKey,
  };
}

export async function issueAgent(
  ca: CertificationAuthority,
  key: Key,
  subject: Name = agentName,
): Promise<Certificate> {
  const request = await createCertificationRequest(key);
  return ca.issueForOperator(request, { profile: 'enrollment-agent', subject });
}

/** Alice's request, countersigned for Alice. Each call makes a new one. */
export async function countersignForAlice(
  { ra, aliceKey }: Pick<Enrollment, 'ra' | 'aliceKey'>,
  fields: CertificationRequestFields = {},
): Promise<Uint8Array> {
  const request = await createCertificationRequest(aliceKey, fields);
  return (await ra.countersign(request, alice.upn)).der;
}

/** Alice's request, past the RA: countersigned for Alice with this key under this certificate. */
export async function countersignAs(
  { aliceKey }: Pick<Enrollment, 'aliceKey'>,
  key: Key,
  certificate: Certificate,
): Promise<Uint8Array> {
  const request = CertificationRequest.parse(await createCertificationRequest(aliceKey));
  return createCountersignedRequest(key, 'ecdsa-sha256', certificate, request, alice.account);
}

/** A key that shows what it signed: copies, taken before it signs. */
export function watchedKey(key: Key): { readonly key: Key; readonly signed: readonly Uint8Array[] } {
  const signed: Uint8Array[] = [];
  const sign: Key['sign'] = async (scheme, message) => {
    signed.push(Uint8Array.from(message));
    return key.sign(scheme, message);
  };
  return { signed, key: { ...key, sign } };
}

function keyCredential({ publicKey }: Key): DirectoryUser['keyCredentials'][number] {
  return { keyId: PublicKey.parse(publicKey).keyId, publicKey, registeredAt: now };
}

function sameText(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
