import { randomBytes } from 'node:crypto';
import {
  CertificationAuthority,
  createCertificationRequest,
  createRootCertificate,
  MemoryLedger,
  Name,
  type Certificate,
  type Key,
} from '@countersign/core';
import { createFileDirectory, type FileDirectory } from '@countersign/hello';
import { onTestFinished } from 'vitest';
import type { HttpsService } from '../../src/https/index.ts';
import { RaClient, startRaService, type RaServiceOptions } from '../../src/ra-service/index.ts';
import { RemoteReceiptKeys } from '../../src/registration/index.ts';
import type { IssuedPrimaryRefreshToken, SignIn } from '../../src/tokens/index.ts';
import { alice } from '../people.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import {
  bob,
  cloudIssuer,
  deviceId,
  sharedKeys,
  startRegistration,
  tokenIssuerName,
  type RegistrationFixture,
} from './registration-fixture.ts';
import { softwareKey } from './software-key.ts';

export const raAudience = 'https://adfs.corp.test/adfs';

export interface RaFixture {
  readonly clock: { now: Date };
  readonly registration: RegistrationFixture;
  readonly premises: FileDirectory;
  readonly agentKey: Awaited<ReturnType<typeof softwareKey>>;
  readonly caCertificate: Certificate;
  readonly service: HttpsService;
  readonly client: RaClient;
  readonly sealingKey: Uint8Array;
  readonly failures: unknown[];
  /** Alice's Windows Hello key, registered nowhere. */
  readonly key: Key;
  /** Her request with that key. */
  readonly csr: Uint8Array;
  /** Her primary refresh token, or one that differs. */
  readonly prt: (changes?: Partial<SignIn & { sid: string }>) => Promise<IssuedPrimaryRefreshToken>;
  /** What the service was started with. */
  readonly options: RaServiceOptions;
}

/** A registration service, and a registration authority before a CA, with Alice and Bob in both directories. */
export async function startRa(changes: Partial<RaServiceOptions> = {}): Promise<RaFixture> {
  const registration = await startRegistration();
  const { clock, issuer, ca: tlsCa } = registration;
  const readClock = (): Date => clock.now;
  const premises = await createFileDirectory(await temporaryDirectory(), { clock: readClock });
  await premises.addUser(alice);
  await premises.addUser(bob);
  const [agentKey, key] = [await softwareKey('p256'), await softwareKey('p256')];
  const ca = await createCa(premises, readClock);
  const agentRequest = await createCertificationRequest(agentKey);
  const agentName = Name.fromString('CN=Corp Enrollment Agent');
  const agentOrder = { profile: 'enrollment-agent', subject: agentName } as const;
  const sealingKey = randomBytes(32);
  const failures: unknown[] = [];
  const receiptKeys = new RemoteReceiptKeys({ url: registration.service.url, ca: tlsCa, clock: readClock });
  const options: RaServiceOptions = {
    tls: (await sharedKeys()).certificate.tls,
    key: agentKey,
    certificate: await ca.issueForOperator(agentRequest, agentOrder),
    directory: premises,
    issue: async ({ der }) => ca.issue(der),
    caCertificates: [ca.certificate],
    receipts: { issuer: cloudIssuer, keys: receiptKeys.find },
    findKeyOwner: async ({ keyId }) =>
      (await premises.list()).find(({ keyCredentials }) =>
        keyCredentials.some((credential) => credential.keyId === keyId),
      ),
    isRegisteredInCloud: async ({ upn }, { keyId }) => {
      const user = await registration.cloud.findByUpn(upn);
      return user?.keyCredentials.some((credential) => credential.keyId === keyId) ?? false;
    },
    tokens: { issuer: tokenIssuerName, keys: await issuer.keys(), audience: raAudience, sealingKey },
    clock: readClock,
    onFailure: (error) => failures.push(error),
    ...changes,
  };
  const service = await startRaService(options);
  onTestFinished(async () => service.close());
  const client = new RaClient({ url: service.url, ca: tlsCa, clock: readClock });
  const prt: RaFixture['prt'] = async (signIn = {}) =>
    issuer.issuePrimaryRefreshToken(
      { upn: alice.upn, sid: alice.sid, deviceId, methods: ['pwd', 'mfa'], ...signIn },
      raAudience,
      sealingKey,
    );
  return {
    clock,
    registration,
    premises,
    agentKey,
    caCertificate: ca.certificate,
    service,
    client,
    sealingKey,
    failures,
    key,
    csr: await createCertificationRequest(key),
    prt,
    options,
  };
}

async function createCa(directory: FileDirectory, clock: () => Date): Promise<CertificationAuthority> {
  const key = await softwareKey('p256');
  return new CertificationAuthority({
    key,
    certificate: await createRootCertificate(key, Name.fromString('CN=Corp CA'), clock()),
    directory,
    ledger: new MemoryLedger(),
    helloLogonTemplate: { oid: '1.3.6.1.4.1.311.21.8.1234567.16384', majorVersion: 100, minorVersion: 3 },
    crlUris: ['http://pki.corp.test/ca.crl'],
    caIssuersUris: ['http://pki.corp.test/ca.cer'],
    clock,
  });
}
