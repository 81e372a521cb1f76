import {
  CertificationAuthority,
  createCertificationRequest,
  createRootCertificate,
  MemoryLedger,
  Name,
  PublicKey,
  RegistrationAuthority,
  subjectAltName,
  userPrincipalName,
  type AuditRecord,
  type Certificate,
  type Directory,
  type DirectoryUser,
  type Key,
  type Ledger,
} from '@countersign/core';
import { SoftwareKey } from './software-key.ts';

/** A CA, its enrollment agent at work as an RA, and a directory of two users. */
export interface Enrollment {
  readonly ca: CertificationAuthority;
  readonly caKey: Key;
  readonly ledger: MemoryLedger;
  readonly ra: RegistrationAuthority;
  readonly agentKey: SoftwareKey;
  readonly agentCertificate: Certificate;
  readonly alice: User;
  readonly bob: User;
}

export interface User extends DirectoryUser {
  readonly key: SoftwareKey;
}

export interface EnrollmentOptions {
  readonly agentKey?: SoftwareKey;
  readonly aliceKey?: SoftwareKey;
  readonly aliceAccount?: string;
}

export const now = new Date('2030-01-01T12:00:00Z');
const clock = (): Date => now;

export async function setUpEnrollment(options: EnrollmentOptions = {}): Promise<Enrollment> {
  const aliceAccount = options.aliceAccount ?? String.raw`CONTOSO\alice`;
  const alice = user('alice', aliceAccount, options.aliceKey ?? new SoftwareKey('p256'));
  const bob = user('bob', String.raw`CONTOSO\bob`, new SoftwareKey('p256'));
  const directory = directoryOf([alice, bob]);
  const caKey = new SoftwareKey('p256');
  const ledger = new MemoryLedger();
  const ca = new CertificationAuthority({
    key: caKey,
    certificate: await createRootCertificate(caKey, Name.fromString('CN=Test CA,O=Contoso'), now),
    directory,
    ledger,
    helloLogonTemplate: { oid: '1.3.6.1.4.1.311.21.8.1.2.3', majorVersion: 100, minorVersion: 1 },
    crlUris: ['http://pki.contoso.test/ca.crl'],
    caIssuersUris: ['http://pki.contoso.test/ca.crt'],
    clock,
  });
  const agentKey = options.agentKey ?? new SoftwareKey('p256');
  const agentCertificate = await certifyAgent(ca, agentKey);
  const ra = new RegistrationAuthority({ key: agentKey, certificate: agentCertificate, directory, clock });
  return { ca, caKey, ledger, ra, agentKey, agentCertificate, alice, bob };
}

export async function certifyAgent(ca: CertificationAuthority, key: Key): Promise<Certificate> {
  const request = await createCertificationRequest(key);
  return ca.issueForOperator(request, {
    profile: 'enrollment-agent',
    subject: Name.fromString('CN=Test RA,O=Contoso'),
  });
}

/** The user's own request, naming the user as clients do. */
export async function requestOf({ key, upn }: User): Promise<Uint8Array> {
  return createCertificationRequest(key, {
    subject: Name.fromString('CN=What the client calls itself'),
    extensionRequests: [subjectAltName([userPrincipalName(upn)])],
  });
}

function user(name: string, account: string, key: SoftwareKey): User {
  const { keyId } = PublicKey.parse(key.publicKey);
  return {
    key,
    upn: `${name}@contoso.test`,
    sid: `S-1-5-21-1-2-3-${1000 + name.length}`,
    distinguishedName: `CN=${name},CN=Users,DC=contoso,DC=test`,
    account,
    groups: [],
    keyCredentials: [{ keyId, publicKey: key.publicKey, registeredAt: now }],
  };
}

function directoryOf(users: readonly User[]): Directory {
  const find = (is: (candidate: User) => boolean): Promise<DirectoryUser | undefined> =>
    Promise.resolve(users.find(is));
  return {
    findByUpn: async (upn) => find((candidate) => candidate.upn === upn),
    findByAccount: async (account) =>
      find((candidate) => candidate.account.toLowerCase() === account.toLowerCase()),
  };
}

export async function auditRecords(ledger: Ledger): Promise<AuditRecord[]> {
  const records: AuditRecord[] = [];
  for await (const record of ledger.readAudit()) records.push(record);
  return records;
}
