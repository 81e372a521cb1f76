import { DerReader } from '../asn1/der-reader.ts';
import { CountersignError } from '../errors.ts';
import { toBigInt } from '../keys/elliptic-curve.ts';
import { oids } from '../object-identifiers.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { CertificateList, CertificateListEntry } from '../x509/certificate-list.ts';
import {
  allReasons,
  parseDistributionPoints,
  type DistributionPoint,
} from '../x509/distribution-point-extensions.ts';
import { namesMatch } from '../x509/name-matching.ts';
import { impliedDistributionPoint, reasonsCovered } from './certificate-list-scope.ts';

export interface CertificateListInputs {
  readonly certificateLists: readonly CertificateList[];
  readonly at: Date;
  /** Whether a list is signed by a key that may speak for its issuer (RFC 5280 6.3.3 (f), (g)). */
  readonly isTrusted: (list: CertificateList) => boolean;
}

/**
 * Finds out from CRLs, complete, delta and indirect, whether a certificate is revoked (RFC 5280 6.3.3).
 * @throws CountersignError `CERTIFICATE_REVOKED`; `REVOCATION_UNKNOWN` if the lists do not cover every reason
 */
export function assertNotOnCertificateLists(certificate: Certificate, inputs: CertificateListInputs): void {
  const value = certificate.extension(oids.cRLDistributionPoints);
  const points = value === undefined ? [] : parseDistributionPoints(value);
  const covered = new Set<number>();
  for (const point of [...points, impliedDistributionPoint(certificate)]) {
    for (const list of inputs.certificateLists) {
      const reasons = usableFor(list, certificate, point, covered, inputs);
      if (reasons === undefined) continue;
      const entry = findEntry(list, certificate, inputs);
      if (entry !== undefined) throw certificateRevoked(certificate, entry);
      reasons.forEach((reason) => covered.add(reason));
    }
    if (covered.size === allReasons.size) return;
  }
  throw new CountersignError(
    'REVOCATION_UNKNOWN',
    `whether the certificate ${certificate.serialNumber} of ${certificate.subject.toString()} is revoked cannot be told: no current CRL of its issuer covers it for every reason`,
    'Give the current CRLs of every CA in the path.',
    { adcs: 'CRYPT_E_NO_REVOCATION_CHECK' },
  );
}

/** Steps (a) to (g). @returns the reasons that the list adds, or undefined if it cannot be used */
function usableFor(
  list: CertificateList,
  certificate: Certificate,
  point: DistributionPoint,
  covered: ReadonlySet<number>,
  { at, isTrusted }: CertificateListInputs,
): ReadonlySet<number> | undefined {
  if (list.extension(oids.deltaCRLIndicator) !== undefined || !isCurrent(list, at)) return undefined;
  const reasons = reasonsCovered(list, certificate, point);
  if (reasons === undefined || [...reasons].every((reason) => covered.has(reason))) return undefined;
  return hasOnlyKnownCriticalExtensions(list) && isTrusted(list) ? reasons : undefined;
}

/** Steps (c), (h) to (k): a delta that goes with the list has the last word. */
function findEntry(
  list: CertificateList,
  certificate: Certificate,
  inputs: CertificateListInputs,
): CertificateListEntry | undefined {
  const { issuer, serialNumber } = certificate;
  const newestDelta = inputs.certificateLists
    .filter((delta) => isDeltaOf(delta, list, inputs))
    .reduce<CertificateList | undefined>(
      (a, b) => (a !== undefined && crlNumber(a) > crlNumber(b) ? a : b),
      undefined,
    );
  const entry = newestDelta?.find(issuer, serialNumber) ?? list.find(issuer, serialNumber);
  return entry?.reason === 'removeFromCRL' ? undefined : entry;
}

/** RFC 5280 6.3.3 (c), (h) and 5.2.4: same issuer, scope and key, and the base not older than the delta assumes. */
function isDeltaOf(
  delta: CertificateList,
  base: CertificateList,
  { at, isTrusted }: CertificateListInputs,
): boolean {
  const indicator = delta.extension(oids.deltaCRLIndicator);
  return (
    indicator !== undefined &&
    namesMatch(delta.issuer, base.issuer) &&
    sameOctets(
      delta.extension(oids.issuingDistributionPoint),
      base.extension(oids.issuingDistributionPoint),
    ) &&
    sameOctets(delta.extension(oids.authorityKeyIdentifier), base.extension(oids.authorityKeyIdentifier)) &&
    crlNumber(base) >= integerOf(indicator) &&
    crlNumber(base) < crlNumber(delta) &&
    isCurrent(delta, at) &&
    hasOnlyKnownCriticalExtensions(delta) &&
    isTrusted(delta)
  );
}

/** Without nextUpdate nobody knows when a list goes stale; RFC 5280 5.1.2.5 demands one. */
function isCurrent({ thisUpdate, nextUpdate }: CertificateList, at: Date): boolean {
  return thisUpdate <= at && nextUpdate !== undefined && at <= nextUpdate;
}

/** RFC 5280 5.2: a list with a critical extension that is not processed is not used. */
function hasOnlyKnownCriticalExtensions({ extensions }: CertificateList): boolean {
  return extensions.every(({ critical, oid }) => !critical || processed.has(oid));
}

const processed: ReadonlySet<string> = new Set([
  oids.authorityKeyIdentifier,
  oids.cRLNumber,
  oids.deltaCRLIndicator,
  oids.issuingDistributionPoint,
  oids.freshestCRL,
  oids.issuerAltName,
]);

/** A list without a number is older than any delta. */
function crlNumber(list: CertificateList): bigint {
  return list.crlNumber ?? -1n;
}

function integerOf(der: Uint8Array): bigint {
  const reader = DerReader.document(der, 'CRL number');
  const value = toBigInt(reader.unsignedInteger());
  reader.end();
  return value;
}

function sameOctets(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0;
}

/** The refusal of a certificate that a CRL or an OCSP responder says is revoked. */
export function certificateRevoked(
  certificate: Certificate,
  { revokedAt, reason }: Pick<CertificateListEntry, 'revokedAt' | 'reason'>,
): CountersignError {
  return new CountersignError(
    'CERTIFICATE_REVOKED',
    `the certificate ${certificate.serialNumber} of ${certificate.subject.toString()} was revoked at ${revokedAt.toISOString()} (${reason})`,
    'Get a new certificate, and find out why this one is still in use.',
    { adcs: 'CRYPT_E_REVOKED' },
  );
}
