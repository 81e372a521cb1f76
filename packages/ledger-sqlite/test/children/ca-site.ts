import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Certificate,
  CertificationAuthority,
  createCertificationRequest,
  createRootCertificate,
  Name,
  RegistrationAuthority,
  type DirectoryUser,
  type Key,
  type Ledger,
} from '@countersign/core';

/** A CA with an RA beside it, whose keys and certificates lie in a folder, so that any number of processes can be it. */
export interface CaSite {
  readonly ca: CertificationAuthority;
  readonly ra: RegistrationAuthority;
  /** Registers the key, the only one from then on, for the user of that number. */
  readonly register: (number: number, publicKey: Uint8Array) => DirectoryUser;
}

export function ledgerPath(folder: string): string {
  return join(folder, 'ledger.sqlite');
}

/** Every TBSCertificate for which the CA's key made a signature that left it, in hex, a line each. */
export function signaturesPath(folder: string): string {
  return join(folder, 'signatures');
}

/** Makes keys and certificates. */
export async function createSite(folder: string, ledger: Ledger): Promise<void> {
  const [caKey, agentKey] = [newPrivateKey(), newPrivateKey()];
  writeFileSync(join(folder, 'ca.key'), exported(caKey));
  writeFileSync(join(folder, 'agent.key'), exported(agentKey));
  const key = keyOf(caKey);
  const certificate = await createRootCertificate(key, Name.fromString('CN=Killed CA'), new Date());
  writeFileSync(join(folder, 'ca.der'), certificate.der);
  const ca = authority(key, certificate, ledger, new Map());
  const agent = await ca.issueForOperator(await createCertificationRequest(keyOf(agentKey)), {
    profile: 'enrollment-agent',
    subject: Name.fromString('CN=Killed RA'),
  });
  writeFileSync(join(folder, 'agent.der'), agent.der);
  writeFileSync(signaturesPath(folder), '');
}

export function openSite(folder: string, ledger: Ledger): CaSite {
  const users = new Map<string, DirectoryUser>();
  const read = (name: string): Buffer => readFileSync(join(folder, name));
  const signed = (message: Uint8Array): void => {
    appendFileSync(signaturesPath(folder), `${Buffer.from(message).toString('hex')}\n`);
  };
  const ca = authority(
    keyOf(imported(read('ca.key')), signed),
    Certificate.parse(read('ca.der')),
    ledger,
    users,
  );
  const ra = new RegistrationAuthority({
    key: keyOf(imported(read('agent.key'))),
    certificate: Certificate.parse(read('agent.der')),
    directory: directoryOf(users),
  });
  const register = (number: number, publicKey: Uint8Array): DirectoryUser => {
    const user = userOf(number, publicKey);
    users.set(user.account, user);
    return user;
  };
  return { ca, ra, register };
}

export function newKey(): Key {
  return keyOf(newPrivateKey());
}

function authority(
  key: Key,
  certificate: Certificate,
  ledger: Ledger,
  users: ReadonlyMap<string, DirectoryUser>,
): CertificationAuthority {
  return new CertificationAuthority({
    key,
    certificate,
    directory: directoryOf(users),
    ledger,
    helloLogonTemplate: { oid: '1.3.6.1.4.1.311.21.8.1', majorVersion: 1, minorVersion: 0 },
    crlUris: ['http://pki.contoso.test/ca.crl'],
    caIssuersUris: ['http://pki.contoso.test/ca.cer'],
  });
}

function directoryOf(users: ReadonlyMap<string, DirectoryUser>): {
  findByUpn: (upn: string) => Promise<DirectoryUser | undefined>;
  findByAccount: (account: string) => Promise<DirectoryUser | undefined>;
} {
  return {
    findByUpn: (upn) => Promise.resolve([...users.values()].find((user) => user.upn === upn)),
    findByAccount: (account) => Promise.resolve(users.get(account)),
  };
}

function userOf(number: number, publicKey: Uint8Array): DirectoryUser {
  return {
    upn: `user${number}@contoso.test`,
    sid: `S-1-5-21-1-2-3-${1000 + number}`,
    distinguishedName: `CN=User ${number},DC=contoso,DC=test`,
    account: String.raw`CONTOSO\user${number}`,
    groups: [],
    keyCredentials: [{ keyId: '', publicKey, registeredAt: new Date() }],
  };
}

function keyOf(privateKey: KeyObject, signed: (message: Uint8Array) => void = () => undefined): Key {
  return {
    ref: 'test:p256',
    label: 'p256',
    algorithm: 'p256',
    publicKey: Uint8Array.from(createPublicKey(privateKey).export({ format: 'der', type: 'spki' })),
    schemes: ['ecdsa-sha256'],
    sign: (_, message) => {
      const signature = Uint8Array.from(sign('sha256', message, privateKey));
      signed(message);
      return Promise.resolve(signature);
    },
  };
}

function newPrivateKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

function exported(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'pkcs8' });
}

function imported(pkcs8: Buffer): KeyObject {
  return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
}
