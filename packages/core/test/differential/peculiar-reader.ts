import {
  AuthorityInfoAccessExtension,
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  CRLDistributionPointsExtension,
  ExtendedKeyUsageExtension,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509Crl,
  type Extension,
  type Name,
} from './peculiar-x509.ts';
import { Integer, fromBER } from 'asn1js';
import { sorted, type DistinguishedName } from './distinguished-names.ts';
import { extensionOids as oids, keyUsageNames } from './extension-oids.ts';
import {
  byType,
  hex,
  octets,
  saidTogether,
  type CertificateValues,
  type CrlValues,
  type ExtensionMeaning,
  type ExtensionValues,
  type RequestValues,
} from './values.ts';

/** What @peculiar/x509 2.2.0 reads. */

export async function readRequest(der: Uint8Array): Promise<RequestValues> {
  const request = new Pkcs10CertificateRequest(Uint8Array.from(der));
  return {
    subject: distinguishedName(request.subjectName),
    publicKey: hex(request.publicKey.rawData),
    attributes: byType(
      request.attributes
        .filter(({ type }) => type !== oids.extensionRequest)
        .map(({ type, values }) => ({ type, values: values.map(hex) })),
    ),
    extensionRequests: request.extensions.map(extensionValues),
    userPrincipalNames: request.extensions.flatMap(userPrincipalNames),
    verifies: await request.verify(),
  };
}

export async function readCertificate(der: Uint8Array, issuerDer: Uint8Array): Promise<CertificateValues> {
  const certificate = new X509Certificate(Uint8Array.from(der));
  const issuer = new X509Certificate(Uint8Array.from(issuerDer));
  return {
    serialNumber: integerContents(certificate.serialNumber),
    issuer: distinguishedName(certificate.issuerName),
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    subject: distinguishedName(certificate.subjectName),
    publicKey: hex(certificate.publicKey.rawData),
    extensions: certificate.extensions.map(extensionValues),
    meaning: saidTogether(certificate.extensions.map(meaningOf)),
    verifies: await certificate.verify({ publicKey: issuer.publicKey, signatureOnly: true }),
  };
}

export async function readCrl(der: Uint8Array, issuerDer: Uint8Array): Promise<CrlValues> {
  const crl = new X509Crl(Uint8Array.from(der));
  const issuer = new X509Certificate(Uint8Array.from(issuerDer));
  const crlNumber = crl.getExtension(oids.cRLNumber);
  const authorityKeyIdentifier = crl.getExtension(AuthorityKeyIdentifierExtension);
  return {
    issuer: distinguishedName(crl.issuerName),
    thisUpdate: crl.thisUpdate.toISOString(),
    nextUpdate: crl.nextUpdate?.toISOString() ?? 'absent',
    crlNumber: crlNumber === null ? Number.NaN : integer(crlNumber.value),
    authorityKeyIdentifier: authorityKeyIdentifier?.keyId ?? 'absent',
    extensions: crl.extensions.map(extensionValues),
    entries: crl.entries.map(({ serialNumber, revocationDate, reason }) => ({
      serialNumber: integerContents(serialNumber),
      revokedAt: revocationDate.toISOString(),
      reason: reason ?? 0,
    })),
    verifies: await crl.verify({ publicKey: issuer }),
  };
}

function meaningOf(extension: Extension): ExtensionMeaning {
  if (extension instanceof KeyUsagesExtension) {
    return { keyUsage: keyUsageNames.filter((_, bit) => (extension.usages & (1 << bit)) !== 0) };
  }
  if (extension instanceof ExtendedKeyUsageExtension) return { extKeyUsage: extension.usages.map(String) };
  if (extension instanceof BasicConstraintsExtension) {
    const { ca, pathLength } = extension;
    return {
      basicConstraints: { cA: ca, ...(pathLength === undefined ? {} : { pathLenConstraint: pathLength }) },
    };
  }
  if (extension instanceof SubjectAlternativeNameExtension) {
    const dNSNames = extension.names.items.filter(({ type }) => type === 'dns').map(({ value }) => value);
    return { userPrincipalNames: userPrincipalNames(extension), dNSNames };
  }
  if (extension instanceof SubjectKeyIdentifierExtension) return { subjectKeyIdentifier: extension.keyId };
  if (extension instanceof AuthorityKeyIdentifierExtension) {
    return extension.keyId === undefined ? {} : { authorityKeyIdentifier: extension.keyId };
  }
  if (extension instanceof CRLDistributionPointsExtension) {
    return {
      crlUris: extension.distributionPoints.flatMap(({ distributionPoint }) =>
        (distributionPoint?.fullName ?? []).map((name) => name.uniformResourceIdentifier ?? 'not a URI'),
      ),
    };
  }
  if (extension instanceof AuthorityInfoAccessExtension) {
    return { caIssuersUris: extension.caIssuers.map(({ value }) => value) };
  }
  return {};
}

function userPrincipalNames(extension: Extension): string[] {
  if (!(extension instanceof SubjectAlternativeNameExtension)) return [];
  return extension.names.items.filter(({ type }) => type === 'upn').map(({ value }) => value);
}

/** Types print under these names where the library has one, as dotted OIDs where not. */
const typeNames: ReadonlyMap<string, string> = new Map([
  ['CN', '2.5.4.3'],
  ['SN', '2.5.4.4'],
  ['C', '2.5.4.6'],
  ['L', '2.5.4.7'],
  ['ST', '2.5.4.8'],
  ['O', '2.5.4.10'],
  ['OU', '2.5.4.11'],
  ['T', '2.5.4.12'],
  ['G', '2.5.4.42'],
  ['DC', '0.9.2342.19200300.100.1.25'],
  ['E', '1.2.840.113549.1.9.1'],
]);

function distinguishedName(name: Name): DistinguishedName {
  return name
    .toJSON()
    .map((rdn) =>
      sorted(
        Object.entries(rdn).flatMap(([type, values]) =>
          values.map((text) => [typeNames.get(type) ?? type, text] as const),
        ),
      ),
    );
}

function extensionValues({ type, critical, value }: Extension): ExtensionValues {
  return { oid: type, critical, value: hex(value) };
}

/** The library leaves out the sign octet of a serial number. */
function integerContents(magnitude: string): string {
  return Number.parseInt(magnitude.slice(0, 2), 16) < 0x80 ? magnitude : `00${magnitude}`;
}

/** An INTEGER, which the library leaves undecoded in extensions that it has no class for. */
function integer(der: ArrayBuffer): number {
  const { result } = fromBER(octets(hex(der)));
  if (!(result instanceof Integer)) throw new TypeError('not an INTEGER');
  return Number(result.toBigInt());
}
