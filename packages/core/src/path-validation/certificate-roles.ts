import { CountersignError } from '../errors.ts';
import { oids } from '../object-identifiers.ts';
import type { Certificate } from '../x509/certificate.ts';
import {
  parseBasicConstraints,
  parseExtendedKeyUsage,
  parseKeyUsage,
  type BasicConstraints,
} from '../x509/standard-extensions.ts';

/**
 * RFC 5280 6.1.4 (k), (n): only a CA whose key usage allows it issues certificates.
 * @throws CountersignError `ISSUER_NOT_ACCEPTABLE`
 */
export function assertMayIssue(certificate: Certificate): BasicConstraints {
  const value = certificate.extension(oids.basicConstraints);
  const constraints = value === undefined ? undefined : parseBasicConstraints(value);
  if (constraints?.cA !== true)
    throw notAnIssuer(certificate, 'is not the certificate of a CA (basicConstraints)');
  const keyUsage = certificate.extension(oids.keyUsage);
  if (keyUsage !== undefined && !parseKeyUsage(keyUsage).includes('keyCertSign')) {
    throw notAnIssuer(certificate, 'may not sign certificates (keyUsage)');
  }
  return constraints;
}

/**
 * RFC 5280 6.1.4 (o), 6.1.5 (f): a critical extension that nobody here processes makes a certificate unusable.
 * @param processedByCaller extensions beside those that path validation knows, by OID
 * @throws CountersignError `EXTENSION_NOT_PROCESSED`
 */
export function assertExtensionsProcessed(
  certificate: Certificate,
  processedByCaller?: ReadonlySet<string>,
): void {
  const unknown = certificate.extensions.find(
    ({ critical, oid }) => critical && !processed.has(oid) && processedByCaller?.has(oid) !== true,
  );
  if (unknown === undefined) return;
  throw new CountersignError(
    'EXTENSION_NOT_PROCESSED',
    `the certificate ${certificate.serialNumber} has the critical extension ${unknown.oid}, which is unknown here`,
    'Use a certificate without it, or a newer version of this program.',
    { adcs: 'CERT_E_CRITICAL' },
  );
}

/**
 * The target must have the purpose; a CA that lists purposes must list it too, or any (the nesting that Windows and
 * RFC 5280's successors in practice apply). anyExtendedKeyUsage does not give a target a purpose that matters here.
 * @throws CountersignError `PURPOSE_NOT_PERMITTED`
 */
export function assertPurpose(certificate: Certificate, purpose: string, isTarget: boolean): void {
  const value = certificate.extension(oids.extKeyUsage);
  if (value === undefined && !isTarget) return;
  const purposes = value === undefined ? [] : parseExtendedKeyUsage(value);
  if (purposes.includes(purpose)) return;
  if (!isTarget && purposes.includes(oids.anyExtendedKeyUsage)) return;
  throw new CountersignError(
    'PURPOSE_NOT_PERMITTED',
    `the extended key usage of the certificate ${certificate.serialNumber} is ${purposes.join(', ') || 'absent'}; expected ${purpose}`,
    'Use a certificate that was issued for this purpose, by a CA that may.',
    { adcs: 'CERT_E_WRONG_USAGE' },
  );
}

/** Everything that path validation and revocation checking take into account. */
const processed: ReadonlySet<string> = new Set([
  oids.keyUsage,
  oids.subjectAltName,
  oids.issuerAltName,
  oids.basicConstraints,
  oids.nameConstraints,
  oids.certificatePolicies,
  oids.policyMappings,
  oids.policyConstraints,
  oids.inhibitAnyPolicy,
  oids.extKeyUsage,
  oids.cRLDistributionPoints,
]);

function notAnIssuer(certificate: Certificate, found: string): CountersignError {
  return new CountersignError(
    'ISSUER_NOT_ACCEPTABLE',
    `the certificate ${certificate.serialNumber} of ${certificate.subject.toString()} ${found}`,
    'Have the certificate issued by a CA.',
    { adcs: 'TRUST_E_BASIC_CONSTRAINTS' },
  );
}
