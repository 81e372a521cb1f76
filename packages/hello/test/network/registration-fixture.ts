import { onTestFinished } from 'vitest';
import { createFileDirectory, type FileDirectory } from '@countersign/hello';
import type { HttpsService } from '../../src/https/index.ts';
import {
  RegistrationClient,
  startRegistrationService,
  type RegistrationServiceOptions,
} from '../../src/registration/index.ts';
import { TokenIssuer, type SignIn } from '../../src/tokens/index.ts';
import { alice, person } from '../people.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { makeServerCertificate, type ServerCertificate } from './server-certificate.ts';
import { softwareKey } from './software-key.ts';

export const bob = person(2);
export const deviceId = '47f577e3-d2d0-4a0a-8aca-e0501098bde4';
export const cloudIssuer = 'https://registration.cloud.test';
export const tokenIssuerName = 'https://sts.cloud.test/';
export const registrationAudience = 'urn:ms-drs:enterpriseregistration.test';

/** Made once in each test file: generating costs time. */
let shared: Promise<{
  readonly certificate: ServerCertificate;
  readonly issuerKey: Awaited<ReturnType<typeof softwareKey>>;
  readonly receiptKey: Awaited<ReturnType<typeof softwareKey>>;
}>;

export async function sharedKeys(): ReturnType<typeof makeShared> {
  shared ??= makeShared();
  return shared;
}

async function makeShared(): typeof shared {
  const [certificate, issuerKey, receiptKey] = await Promise.all([
    makeServerCertificate(),
    softwareKey('p256'),
    softwareKey('rsa2048'),
  ]);
  return { certificate, issuerKey, receiptKey };
}

export interface RegistrationFixture {
  /** Assign `clock.now` to move everybody in time. */
  readonly clock: { now: Date };
  readonly cloud: FileDirectory;
  readonly issuer: TokenIssuer;
  readonly service: HttpsService;
  readonly client: RegistrationClient;
  readonly ca: string;
  readonly failures: unknown[];
  /** Alice's sign-in with a second factor just now, or one that differs. */
  readonly token: (changes?: Partial<SignIn>, audience?: string) => Promise<string>;
}

/** A registration service with Alice and Bob in its cloud directory. */
export async function startRegistration(
  changes: Partial<RegistrationServiceOptions> = {},
): Promise<RegistrationFixture> {
  const { certificate, issuerKey, receiptKey } = await sharedKeys();
  const clock = { now: new Date('2026-03-04T05:06:07.890Z') };
  const readClock = (): Date => clock.now;
  const cloud = await createFileDirectory(await temporaryDirectory(), { clock: readClock });
  await cloud.addUser(alice);
  await cloud.addUser(bob);
  const issuer = new TokenIssuer({ issuer: tokenIssuerName, key: issuerKey, clock: readClock });
  const failures: unknown[] = [];
  const service = await startRegistrationService({
    tls: certificate.tls,
    directory: cloud,
    tokens: { issuer: tokenIssuerName, keys: await issuer.keys(), audience: registrationAudience },
    issuer: cloudIssuer,
    receiptKey,
    clock: readClock,
    onFailure: (error) => failures.push(error),
    ...changes,
  });
  onTestFinished(async () => service.close());
  const client = new RegistrationClient({ url: service.url, ca: certificate.ca });
  const token: RegistrationFixture['token'] = async (signIn = {}, audience = registrationAudience) =>
    issuer.issueAccessToken({ upn: alice.upn, deviceId, methods: ['pwd', 'ngcmfa'], ...signIn }, audience);
  return { clock, cloud, issuer, service, client, ca: certificate.ca, failures, token };
}
