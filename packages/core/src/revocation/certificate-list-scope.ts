import { oids } from '../object-identifiers.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { CertificateList } from '../x509/certificate-list.ts';
import {
  allReasons,
  parseIssuingDistributionPoint,
  type DistributionPoint,
  type DistributionPointName,
} from '../x509/distribution-point-extensions.ts';
import { encodeGeneralName, type GeneralName } from '../x509/general-name.ts';
import { namesMatch } from '../x509/name-matching.ts';
import type { Name } from '../x509/name.ts';
import { parseBasicConstraints } from '../x509/standard-extensions.ts';

/** The distribution point that RFC 5280 6.3.3 assumes for CRLs of the certificate's own issuer. */
export function impliedDistributionPoint(certificate: Certificate): DistributionPoint {
  const names = [{ kind: 'directoryName', name: certificate.issuer }] as const;
  return { name: { kind: 'fullName', names }, reasons: allReasons, cRLIssuer: undefined };
}

/**
 * RFC 5280 6.3.3 (b), (d): which revocation reasons a CRL covers for a certificate at one of its distribution points.
 * @returns undefined if issuer or scope do not fit
 */
export function reasonsCovered(
  list: CertificateList,
  certificate: Certificate,
  point: DistributionPoint,
): ReadonlySet<number> | undefined {
  const value = list.extension(oids.issuingDistributionPoint);
  const scope = value === undefined ? undefined : parseIssuingDistributionPoint(value);
  if (point.cRLIssuer === undefined) {
    if (!namesMatch(list.issuer, certificate.issuer)) return undefined;
  } else if (scope?.indirectCRL !== true || !includesName(point.cRLIssuer, list.issuer)) {
    return undefined;
  }
  if (scope === undefined) return point.reasons;
  const isCa = isCaCertificate(certificate);
  if (scope.onlyContainsAttributeCerts || (scope.onlyContainsUserCerts && isCa)) return undefined;
  if (scope.onlyContainsCACerts && !isCa) return undefined;
  if (scope.name !== undefined && !sharesName(scope.name, list.issuer, point, certificate)) return undefined;
  return new Set([...point.reasons].filter((reason) => scope.onlySomeReasons.has(reason)));
}

/** RFC 5280 6.3.3 (b)(2)(i). */
function sharesName(
  name: DistributionPointName,
  crlIssuer: Name,
  point: DistributionPoint,
  certificate: Certificate,
): boolean {
  const [pointIssuer] = (point.cRLIssuer ?? []).flatMap((one) =>
    one.kind === 'directoryName' ? [one.name] : [],
  );
  const candidates =
    point.name === undefined
      ? (point.cRLIssuer ?? [])
      : fullNames(point.name, pointIssuer ?? certificate.issuer);
  return fullNames(name, crlIssuer).some((one) => candidates.some((other) => sameGeneralName(one, other)));
}

function fullNames(name: DistributionPointName, crlIssuer: Name): readonly GeneralName[] {
  return name.kind === 'fullName' ? name.names : [{ kind: 'directoryName', name: crlIssuer.below(name.rdn) }];
}

function includesName(names: readonly GeneralName[], name: Name): boolean {
  return names.some((one) => one.kind === 'directoryName' && namesMatch(one.name, name));
}

function sameGeneralName(a: GeneralName, b: GeneralName): boolean {
  if (a.kind === 'directoryName' && b.kind === 'directoryName') return namesMatch(a.name, b.name);
  return Buffer.compare(encodeGeneralName(a), encodeGeneralName(b)) === 0;
}

function isCaCertificate(certificate: Certificate): boolean {
  const value = certificate.extension(oids.basicConstraints);
  return value !== undefined && parseBasicConstraints(value).cA;
}
