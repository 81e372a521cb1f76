import {
  Certificate,
  CertificationAuthority,
  CertificationRequest,
  createCertificationRequest,
  createRootCertificate,
  KeyCustody,
  MemoryKeyRecords,
  MemoryLedger,
  Name,
  PublicKey,
  RegistrationAuthority,
  type Directory,
  type DirectoryUser,
  type KeyRecordStore,
} from '@countersign/core';
import type { Authentication, Registered, Stations } from '@countersign/hello';
import { createMemoryProvider, type MemoryProvider } from '@countersign/provider-memory';

export const upn = 'alice@contoso.test';
export const pin = Buffer.from('482913');

/** All that a provisioning deals with, in memory, and what it must end with: one of each. */
export interface Village {
  readonly provider: MemoryProvider;
  readonly ledger: MemoryLedger;
  readonly stations: Stations;
  /** Public keys that are registered, as often as each was. */
  readonly registered: readonly Uint8Array[];
  /** How often the RA is to say that the key is not synced yet. */
  notSynced: number;
  certificates(): Promise<readonly Certificate[]>;
}

class OneUser implements Directory {
  readonly keys = new Map<string, Uint8Array>();

  async findByUpn(asked: string): Promise<DirectoryUser | undefined> {
    return asked === upn ? this.#user() : undefined;
  }

  async findByAccount(): Promise<DirectoryUser | undefined> {
    return this.#user();
  }

  #user(): DirectoryUser {
    const keyCredentials = [...this.keys].map(([keyId, publicKey]) => ({
      keyId,
      publicKey,
      registeredAt: new Date(0),
    }));
    return {
      upn,
      sid: 'S-1-5-21-1-2-3-1104',
      distinguishedName: 'CN=Alice,DC=contoso,DC=test',
      account: String.raw`CONTOSO\alice`,
      groups: [],
      keyCredentials,
    };
  }
}

export async function makeVillage(): Promise<Village> {
  const services = await createMemoryProvider();
  const provider = await createMemoryProvider({ sealing: { scryptCost: { N: 16, r: 1, p: 1 } } });
  const records: KeyRecordStore = new MemoryKeyRecords();
  const directory = new OneUser();
  const ledger = new MemoryLedger();
  const caKey = await services.generate({ algorithm: 'p256', label: 'ca' });
  const ca = new CertificationAuthority({
    key: caKey,
    certificate: await createRootCertificate(caKey, Name.fromString('CN=CA'), new Date()),
    directory,
    ledger,
    helloLogonTemplate: { oid: '1.3.6.1.4.1.311.21.8.1', majorVersion: 1, minorVersion: 0 },
    crlUris: [],
    caIssuersUris: [],
  });
  const raKey = await services.generate({ algorithm: 'p256', label: 'ra' });
  const agent = await ca.issueForOperator(await createCertificationRequest(raKey), {
    profile: 'enrollment-agent',
    subject: Name.fromString('CN=RA'),
  });
  const ra = new RegistrationAuthority({ key: raKey, certificate: agent, directory });
  const village: Village = {
    provider,
    ledger,
    notSynced: 0,
    get registered() {
      return [...directory.keys.values()];
    },
    stations: {
      checkPrerequisites: async () => ['PreReqResult : WillProvision'],
      authenticate: async (): Promise<Authentication> => ({
        upn,
        accessToken: 'token',
        primaryRefreshToken: { token: 'token', sessionKey: new Uint8Array(32) },
      }),
      withPin: async (_, use) => use(Buffer.from(pin)),
      custody: new KeyCustody({ provider, records }),
      algorithm: 'p256',
      register: async (publicKey): Promise<Registered> => {
        const { keyId } = PublicKey.parse(publicKey);
        directory.keys.set(keyId, publicKey);
        return { keyId, receipt: undefined };
      },
      enroll: async (request) => {
        if (village.notSynced > 0) {
          village.notSynced -= 1;
          return { kind: 'not-synced' };
        }
        const { der } = await ra.countersign(request, upn);
        const { publicKey } = CertificationRequest.parse(request);
        const certificate = (await ca.currentCertificate(publicKey)) ?? (await ca.issue(der));
        return { kind: 'issued', certificate: certificate.der };
      },
    },
    certificates: async () => {
      const keys = await provider.list();
      const entries = await Promise.all(
        keys.map(async ({ publicKey }) => ledger.findByKey(PublicKey.parse(publicKey).keyId)),
      );
      return entries.flat().map(({ certificate = new Uint8Array() }) => Certificate.parse(certificate));
    },
  };
  return village;
}
