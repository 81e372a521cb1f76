import {
  CertificationAuthority,
  createCertificationRequest,
  createRootCertificate,
  MemoryLedger,
  Name,
  PublicKey,
  RegistrationAuthority,
  type Certificate,
  type DirectoryUser,
  type Key,
} from '@countersign/core';
import { keyIdentifier, type ChainCase } from './certificate-cases.ts';
import { toRfc4514, type DistinguishedName } from './distinguished-names.ts';
import type { Signer } from './software-key.ts';
import { hex, type CertificateValues, type ExtensionMeaning } from './values.ts';

/** A request that core's RA countersigned, with the CA and the agent that stand behind it. */
export interface CoreCountersigned {
  readonly authority: CertificationAuthority;
  readonly ca: Certificate;
  readonly agent: Certificate;
  readonly request: Uint8Array;
  /** CMS around the request. */
  readonly countersigned: Uint8Array;
  readonly countersignedAt: Date;
}

/** With a certificate of every profile. */
export interface Chain extends CoreCountersigned {
  readonly kdc: Certificate;
  readonly helloLogon: Certificate;
}

export async function writeChain(chainCase: ChainCase): Promise<Chain> {
  const written = await writeCountersigned(chainCase);
  // With one RSA key for both, a KDC's request without a subject would be the agent's once more, and a replay.
  const kdcFields = { subject: Name.fromString('CN=KDC') };
  const kdcRequest = await createCertificationRequest(withOneScheme(chainCase.kdc), kdcFields);
  const kdc = await written.authority.issueForOperator(kdcRequest, {
    profile: 'kdc',
    realm: chainCase.realm,
    hostName: chainCase.hostName,
  });
  const helloLogon = await written.authority.issue(written.countersigned);
  return { ...written, kdc, helloLogon };
}

export async function writeCountersigned(chainCase: ChainCase): Promise<CoreCountersigned> {
  const issuedAt = new Date(chainCase.rootAt.getTime() + chainCase.issuedAfterMs);
  const clock = (): Date => issuedAt;
  const directory = directoryOf(userOf(chainCase, issuedAt));
  const caKey = withOneScheme(chainCase.ca);
  const ca = await createRootCertificate(caKey, coreName(chainCase.caName), chainCase.rootAt);
  const authority = new CertificationAuthority({
    key: caKey,
    certificate: ca,
    directory,
    ledger: new MemoryLedger(),
    helloLogonTemplate: chainCase.template,
    crlUris: chainCase.crlUris,
    caIssuersUris: chainCase.caIssuersUris,
    clock,
  });
  const agentKey = withOneScheme(chainCase.agent);
  const agent = await authority.issueForOperator(await createCertificationRequest(agentKey), {
    profile: 'enrollment-agent',
    subject: coreName(chainCase.agentName),
  });
  const registration = new RegistrationAuthority({ key: agentKey, certificate: agent, directory, clock });
  const request = await createCertificationRequest(withOneScheme(chainCase.user));
  const countersigned = (await registration.countersign(request, chainCase.upn)).der;
  return { authority, ca, agent, request, countersigned, countersignedAt: issuedAt };
}

/** What every reader must find in the certificates; serial, validity and the octets of extensions are as core says. */
export function expectedChain(chainCase: ChainCase, chain: Chain): CertificateValues[] {
  const { ca, agent, kdc, helloLogon } = chain;
  const issuerMeaning = (subject: Signer): ExtensionMeaning => ({
    subjectKeyIdentifier: keyIdentifier(hex(subject.key.publicKey)),
    authorityKeyIdentifier: keyIdentifier(hex(chainCase.ca.key.publicKey)),
    ...(chainCase.crlUris.length === 0 ? {} : { crlUris: chainCase.crlUris }),
    ...(chainCase.caIssuersUris.length === 0 ? {} : { caIssuersUris: chainCase.caIssuersUris }),
  });
  return [
    expectedCertificate(chainCase, ca, chainCase.ca, chainCase.caName, {
      basicConstraints: { cA: true, pathLenConstraint: 0 },
      keyUsage: ['keyCertSign', 'cRLSign'],
      subjectKeyIdentifier: keyIdentifier(hex(chainCase.ca.key.publicKey)),
    }),
    expectedCertificate(chainCase, agent, chainCase.agent, chainCase.agentName, {
      keyUsage: ['digitalSignature'],
      extKeyUsage: ['1.3.6.1.4.1.311.20.2.1'],
      ...issuerMeaning(chainCase.agent),
    }),
    expectedCertificate(chainCase, kdc, chainCase.kdc, [[['2.5.4.3', chainCase.hostName]]], {
      keyUsage: ['digitalSignature', 'keyAgreement'],
      extKeyUsage: ['1.3.6.1.5.2.3.5', '1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'],
      userPrincipalNames: [],
      dNSNames: [chainCase.hostName],
      ...issuerMeaning(chainCase.kdc),
    }),
    expectedCertificate(chainCase, helloLogon, chainCase.user, chainCase.userName, {
      keyUsage: ['digitalSignature'],
      extKeyUsage: ['1.3.6.1.4.1.311.20.2.2', '1.3.6.1.5.5.7.3.2'],
      userPrincipalNames: [chainCase.upn],
      dNSNames: [],
      ...issuerMeaning(chainCase.user),
    }),
  ];
}

function expectedCertificate(
  { caName }: ChainCase,
  certificate: Certificate,
  { key }: Signer,
  subject: DistinguishedName,
  meaning: ExtensionMeaning,
): CertificateValues {
  return {
    serialNumber: certificate.serialNumber,
    issuer: caName,
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    subject,
    publicKey: hex(key.publicKey),
    extensions: certificate.extensions.map(({ oid, critical, value }) => ({
      oid,
      critical,
      value: hex(value),
    })),
    meaning,
    verifies: true,
  };
}

export function coreName(name: DistinguishedName): Name {
  return Name.fromString(toRfc4514(name));
}

/** Core signs with a key's first choice where nobody says otherwise. */
export function withOneScheme({ key, scheme }: Signer): Key {
  return { ...key, schemes: [scheme] };
}

function userOf(chainCase: ChainCase, registeredAt: Date): DirectoryUser {
  const { publicKey } = chainCase.user.key;
  return {
    upn: chainCase.upn,
    sid: chainCase.sid,
    distinguishedName: toRfc4514(chainCase.userName),
    account: chainCase.account,
    groups: [],
    keyCredentials: [{ keyId: PublicKey.parse(publicKey).keyId, publicKey, registeredAt }],
  };
}

function directoryOf(user: DirectoryUser): {
  findByUpn: (upn: string) => Promise<DirectoryUser | undefined>;
  findByAccount: (account: string) => Promise<DirectoryUser | undefined>;
} {
  return {
    findByUpn: (upn) => Promise.resolve(upn === user.upn ? user : undefined),
    findByAccount: (account) => Promise.resolve(account === user.account ? user : undefined),
  };
}
