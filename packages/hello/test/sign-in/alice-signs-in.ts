import type { Certificate, Key } from '@countersign/core';
import { signIn, type SignInOptions, type TicketGrantingTicket } from '@countersign/hello/sign-in';
import { generateExportableKey } from '@countersign/hello/trial-domain';
import type { KdcIdentity } from './forged-reply.ts';
import { createTestPki, realm, type TestPki } from './test-pki.ts';

/** Alice with an enrolled key, and a KDC's key and certificate from the same CA. */
export interface Enrolled {
  readonly pki: TestPki;
  readonly key: Key;
  readonly certificate: Certificate;
  readonly kdc: KdcIdentity;
}

export async function enrollAlice(): Promise<Enrolled> {
  const pki = await createTestPki();
  const key = await generateExportableKey('p256');
  const kdc = await pki.issueKdc({ key: await generateExportableKey('p256') });
  return { pki, key, certificate: await pki.enroll(key, 'alice'), kdc };
}

export async function aliceSignsIn(
  { pki, key, certificate }: Omit<Enrolled, 'kdc'>,
  kdc: SignInOptions['kdc'],
  changes: Partial<SignInOptions> = {},
): Promise<TicketGrantingTicket> {
  return signIn({
    key,
    certificate,
    user: 'alice',
    realm,
    kdc,
    kdcTrust: { trustAnchors: [pki.caCertificate] },
    ...changes,
  });
}
