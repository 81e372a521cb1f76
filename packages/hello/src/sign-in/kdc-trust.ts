import {
  CountersignError,
  findPath,
  parseKeyUsage,
  parseSubjectAltName,
  verifySignedBy,
  type Certificate,
  type CertificateList,
  type GeneralName,
  type OcspResponse,
  type SignedMessage,
  type TrustAnchor,
} from '@countersign/core';
import { DerReader } from '@countersign/core/asn1';
import {
  formatPrincipal,
  isSameName,
  readPrincipal,
  ticketGrantingService,
  type Principal,
} from './kerberos/principal-name.ts';
import { kdcSignerInfo } from './pkinit/kdc-signer-info.ts';
import { signerCertificate } from './pkinit/kdc-signed-data.ts';
import { pkinitOids } from './pkinit/pkinit-oids.ts';

/** What makes a KDC the KDC of the realm (RFC 4556 3.2.4). */
export interface KdcTrust {
  /** Name and key of each CA that certifies the realm's KDCs: their certificates will do. */
  readonly trustAnchors: readonly TrustAnchor[];
  /** CA certificates between anchor and KDC, beside those that the reply encloses. */
  readonly certificates?: readonly Certificate[];
  /** With these or with `ocspResponses` every certificate of the path is checked; without, revocation is not checked. */
  readonly certificateLists?: readonly CertificateList[];
  readonly ocspResponses?: readonly OcspResponse[];
  /**
   * DNS name of the KDC, known otherwise than from the reply. A certificate that names no Kerberos principal is then
   * taken if it names this host, as the certificates of Windows domain controllers do.
   */
  readonly hostName?: string;
  /**
   * The extended key usage that the certificate must have: id-pkinit-KPKdc if absent. `serverAuth` is for domain
   * controllers with certificates from before Windows Server 2008, and needs `hostName`.
   */
  readonly purpose?: 'kdc' | 'serverAuth';
}

/**
 * Checks that the KDC of a realm signed the message: signature, certification path, purpose, and the name in the
 * certificate.
 * @returns the KDC's certificate
 * @throws CountersignError `KDC_NOT_TRUSTED`, with what was found as its cause where another part of Countersign found it
 */
export function verifyKdc(signed: SignedMessage, realm: string, trust: KdcTrust, at: Date): Certificate {
  const certificate = trusting(() => verifySigner(signed, trust, at));
  assertMaySign(certificate);
  assertNamesKdc(certificate, realm, trust);
  return certificate;
}

function verifySigner(signed: SignedMessage, trust: KdcTrust, at: Date): Certificate {
  const [signerInfo, ...others] = signed.signerInfos;
  if (signerInfo === undefined || others.length > 0) {
    throw notTrusted(`${signed.signerInfos.length} signers signed the reply; expected one`, hints.damaged);
  }
  const certificate = signerCertificate(signerInfo, signed.certificates);
  if (certificate === undefined) throw notTrusted("the signer's certificate is not enclosed", hints.damaged);
  const { publicKey } = certificate;
  verifySignedBy(publicKey, signed, kdcSignerInfo(signerInfo, publicKey));
  findPath(certificate, {
    trustAnchors: trust.trustAnchors,
    certificates: [...(trust.certificates ?? []), ...signed.certificates],
    at,
    purpose: purposeOf(trust),
    ...(trust.certificateLists === undefined ? {} : { certificateLists: trust.certificateLists }),
    ...(trust.ocspResponses === undefined ? {} : { ocspResponses: trust.ocspResponses }),
  });
  return certificate;
}

function purposeOf({ purpose = 'kdc', hostName }: KdcTrust): string {
  if (purpose === 'kdc') return pkinitOids.keyPurposeKdc;
  if (hostName !== undefined) return pkinitOids.serverAuth;
  // Every web server of the organization has such a certificate; its host name is all that sets the KDC apart.
  throw new CountersignError(
    'VALUE_OUT_OF_RANGE',
    'KDC certificates with serverAuth are to be accepted, but no host name is given',
    'Give the host name of the KDC (hostName), or ask for id-pkinit-KPKdc.',
  );
}

/** RFC 4556 3.2.4: the key must be one for signatures, where the certificate says what it is for. */
function assertMaySign(certificate: Certificate): void {
  const value = certificate.extension('2.5.29.15');
  if (value === undefined) return;
  const usages = trusting(() => parseKeyUsage(value));
  if (usages.includes('digitalSignature')) return;
  throw notTrusted(
    `the key usage of the certificate ${certificate.serialNumber} is ${usages.join(', ')}; expected digitalSignature`,
    hints.certificate,
  );
}

/** RFC 4556 3.2.4: `krbtgt/REALM@REALM` as id-pkinit-san; only where there is none, the host name counts. */
function assertNamesKdc(certificate: Certificate, realm: string, { hostName }: KdcTrust): void {
  const value = certificate.extension('2.5.29.17');
  const names = value === undefined ? [] : trusting(() => parseSubjectAltName(value));
  const principals = trusting(() => names.flatMap(principalIn));
  const expected: Principal = { realm, name: ticketGrantingService(realm) };
  if (principals.some((principal) => isSamePrincipal(principal, expected))) return;
  const hosts = names.flatMap((name) => (name.kind === 'dNSName' ? [name.text] : []));
  if (principals.length === 0 && hostName !== undefined && hosts.some((host) => isSameHost(host, hostName))) {
    return;
  }
  const found = [...principals.map(formatPrincipal), ...hosts].join(', ') || 'nothing';
  throw notTrusted(
    `the certificate ${certificate.serialNumber} names ${found}; expected ${formatPrincipal(expected)}${
      hostName === undefined ? '' : ` or, without any principal, ${hostName}`
    }`,
    hints.certificate,
  );
}

function principalIn(name: GeneralName): Principal[] {
  if (name.kind !== 'otherName' || name.typeId !== pkinitOids.san) return [];
  const document = DerReader.document(name.value, 'id-pkinit-san');
  const principal = readPrincipal(document);
  document.end();
  return [principal];
}

function isSamePrincipal(a: Principal, b: Principal): boolean {
  return a.realm === b.realm && isSameName(a.name, b.name);
}

function isSameHost(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** Runs a check of core's, whose refusals say nothing of what was signed. */
function trusting<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof CountersignError) || foreign.has(error.code)) throw error;
    throw notTrusted(error.message, hints.certificate, error);
  }
}

/** Codes that are passed on: they are the caller's mistake, or said already. */
const foreign: ReadonlySet<string> = new Set(['KDC_NOT_TRUSTED', 'VALUE_OUT_OF_RANGE']);

const hints = {
  certificate:
    'Give the KDC a certificate of its own for this realm (countersign ca issue --profile kdc), and trust the CA that issued it.',
  damaged: 'Check that nothing alters replies on their way.',
} as const;

function notTrusted(found: string, hint: string, cause?: unknown): CountersignError {
  return new CountersignError(
    'KDC_NOT_TRUSTED',
    `what answered is not proven to be a KDC of the realm: ${found}`,
    hint,
    { cause },
  );
}
