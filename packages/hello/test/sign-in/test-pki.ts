import {
  CertificationAuthority,
  createCertificationRequest,
  createRootCertificate,
  MemoryLedger,
  Name,
  PublicKey,
  RegistrationAuthority,
  type Certificate,
  type Directory,
  type DirectoryUser,
  type Key,
} from '@countersign/core';
import { generateExportableKey, type ExportableKey } from '@countersign/hello/trial-domain';

export const realm = 'CONTOSO.TEST';
export const kdcHost = 'dc1.contoso.test';

/** A CA, and an RA that countersigns for Alice and Bob: what a deployment has. */
export interface TestPki {
  readonly caKey: Key;
  readonly caCertificate: Certificate;
  /** Enrolls a key for a user, on behalf of whom the RA countersigns. */
  readonly enroll: (key: Key, user: 'alice' | 'bob') => Promise<Certificate>;
  readonly issueKdc: (fields?: { realm?: string; hostName?: string; key?: ExportableKey }) => Promise<{
    readonly certificate: Certificate;
    readonly key: ExportableKey;
  }>;
  readonly revoke: (certificate: Certificate) => Promise<void>;
  /** CertificateList, DER. */
  readonly createCrl: () => Promise<Uint8Array>;
}

/** @param at when the CA starts, and issues */
export async function createTestPki(
  at: Date = new Date(),
  caName = 'CN=Contoso CA,O=Contoso',
  caAlgorithm: 'p256' | 'rsa2048' = 'p256',
): Promise<TestPki> {
  const clock = (): Date => at;
  const directory = new TestDirectory();
  const caKey = await generateExportableKey(caAlgorithm);
  const caCertificate = await createRootCertificate(caKey, Name.fromString(caName), at);
  const ca = new CertificationAuthority({
    key: caKey,
    certificate: caCertificate,
    directory,
    ledger: new MemoryLedger(),
    helloLogonTemplate: { oid: '1.3.6.1.4.1.311.21.8.1234567.16384', majorVersion: 100, minorVersion: 3 },
    crlUris: ['http://pki.contoso.test/ca.crl'],
    caIssuersUris: ['http://pki.contoso.test/ca.cer'],
    clock,
  });
  const agentKey = await generateExportableKey('p256');
  const agentCertificate = await ca.issueForOperator(await createCertificationRequest(agentKey), {
    profile: 'enrollment-agent',
    subject: Name.fromString('CN=Contoso Enrollment Agent,O=Contoso'),
  });
  const ra = new RegistrationAuthority({ key: agentKey, certificate: agentCertificate, directory, clock });
  return {
    caKey,
    caCertificate,
    enroll: async (key, user) => {
      directory.registerKey(user, key, at);
      const request = await createCertificationRequest(key);
      const { der } = await ra.countersign(request, `${user}@${realm}`);
      return ca.issue(der);
    },
    issueKdc: async (fields = {}) => {
      const key = fields.key ?? (await generateExportableKey('rsa2048'));
      const request = await createCertificationRequest(key);
      const certificate = await ca.issueForOperator(request, {
        profile: 'kdc',
        realm: fields.realm ?? realm,
        hostName: fields.hostName ?? kdcHost,
      });
      return { certificate, key };
    },
    revoke: async ({ serialNumber }) => ca.revoke(serialNumber, 'keyCompromise'),
    createCrl: async () => ca.createCrl(),
  };
}

class TestDirectory implements Directory {
  readonly #users = new Map<string, DirectoryUser>(
    ['alice', 'bob'].map((name, i) => [
      name,
      {
        upn: `${name}@${realm}`,
        sid: `S-1-5-21-1004336348-1177238915-682003330-${1100 + i}`,
        distinguishedName: `CN=${name},OU=People,DC=contoso,DC=test`,
        account: `CONTOSO\\${name}`,
        groups: [],
        keyCredentials: [],
      },
    ]),
  );

  async findByUpn(upn: string): Promise<DirectoryUser | undefined> {
    return Promise.resolve([...this.#users.values()].find((user) => user.upn === upn));
  }

  async findByAccount(account: string): Promise<DirectoryUser | undefined> {
    return Promise.resolve([...this.#users.values()].find((user) => user.account === account));
  }

  registerKey(name: string, { publicKey }: Key, registeredAt: Date): void {
    const user = this.#users.get(name);
    if (user === undefined) throw new Error(`the test directory has no ${name}`);
    const { keyId } = PublicKey.parse(publicKey);
    const keyCredentials = [...user.keyCredentials, { keyId, publicKey, registeredAt }];
    this.#users.set(name, { ...user, keyCredentials });
  }
}
