import {
  Certificate,
  CertificateList,
  CertificationRequest,
  CountersignError,
  parseAuthorityKeyIdentifier,
  parseBasicConstraints,
  parseExtendedKeyUsage,
  parseKeyUsage,
  parseSignedData,
  parseSubjectAltName,
  parseSubjectKeyIdentifier,
  revocationReasonCodes,
  userPrincipalNamesIn,
  verifySignerInfo,
  type Extension,
} from '@countersign/core';
import { fromBER, ObjectIdentifier, Sequence } from 'asn1js';
import { fromRfc4514 } from './distinguished-names.ts';
import { extensionOids as oids } from './extension-oids.ts';
import {
  byType,
  hex,
  said,
  saidTogether,
  type CertificateValues,
  type CountersignedValues,
  type CrlValues,
  type ExtensionMeaning,
  type ExtensionValues,
  type RequestValues,
} from './values.ts';

/** What core reads. */

export function readRequest(der: Uint8Array): RequestValues {
  const request = CertificationRequest.parse(der);
  return {
    subject: fromRfc4514(request.subject.toString()),
    publicKey: hex(request.publicKey.subjectPublicKeyInfo),
    attributes: byType(
      request.attributes
        .filter(({ type }) => type !== oids.extensionRequest)
        .map(({ type, values }) => ({ type, values: values.map(hex) })),
    ),
    extensionRequests: request.extensionRequests.map(extensionValues),
    userPrincipalNames: request.userPrincipalNames,
    verifies: succeeds(() => request.verifyProofOfPossession()),
  };
}

export function readCertificate(der: Uint8Array, issuerDer: Uint8Array): CertificateValues {
  const certificate = Certificate.parse(der);
  return {
    serialNumber: certificate.serialNumber,
    issuer: fromRfc4514(certificate.issuer.toString()),
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    subject: fromRfc4514(certificate.subject.toString()),
    publicKey: hex(certificate.publicKey.subjectPublicKeyInfo),
    extensions: certificate.extensions.map(extensionValues),
    meaning: meaningOf(certificate),
    verifies: certificate.isIssuedBy(Certificate.parse(issuerDer)),
  };
}

export function readCrl(der: Uint8Array, issuerDer: Uint8Array): CrlValues {
  const list = CertificateList.parse(der);
  const authorityKeyIdentifier = list.extension(oids.authorityKeyIdentifier);
  return {
    issuer: fromRfc4514(list.issuer.toString()),
    thisUpdate: list.thisUpdate.toISOString(),
    nextUpdate: list.nextUpdate?.toISOString() ?? 'absent',
    crlNumber: Number(list.crlNumber ?? Number.NaN),
    authorityKeyIdentifier:
      authorityKeyIdentifier === undefined
        ? 'absent'
        : hex(parseAuthorityKeyIdentifier(authorityKeyIdentifier) ?? new Uint8Array()),
    extensions: list.extensions.map(extensionValues),
    entries: Array.from(list.entries, ({ serialNumber, revokedAt, reason }) => ({
      serialNumber,
      revokedAt: revokedAt.toISOString(),
      reason: reason === 'removeFromCRL' ? 8 : revocationReasonCodes[reason],
    })),
    verifies: list.isSignedBy(Certificate.parse(issuerDer).publicKey),
  };
}

export function readCountersigned(der: Uint8Array): CountersignedValues {
  const signedData = parseSignedData(der);
  const { eContentType, content, signerCertificate, signerInfo } = signedData;
  return {
    eContentType,
    content: hex(content),
    // The signer's alone; core keeps no other.
    certificates: [hex(signerCertificate.der)],
    signerIssuer: fromRfc4514(signerCertificate.issuer.toString()),
    signerSerialNumber: signerCertificate.serialNumber,
    digestAlgorithm: objectIdentifierIn(signerInfo.digestAlgorithm),
    signedAttributes: byType(
      Array.from(signerInfo.signedAttributes, ([type, values]) => ({ type, values: values.map(hex) })),
    ),
    verifies: succeeds(() => verifySignerInfo(signedData)),
  };
}

/** Whether core takes it; what is not a refusal is not swallowed. */
export function succeeds(check: () => void): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (error instanceof CountersignError) return false;
    throw error;
  }
}

function meaningOf(certificate: Certificate): ExtensionMeaning {
  const read = (oid: string, say: (value: Uint8Array) => ExtensionMeaning): ExtensionMeaning =>
    said(certificate.extension(oid), say);
  return saidTogether([
    read(oids.keyUsage, (value) => ({ keyUsage: parseKeyUsage(value) })),
    read(oids.extKeyUsage, (value) => ({ extKeyUsage: parseExtendedKeyUsage(value) })),
    read(oids.basicConstraints, (value) => {
      const { cA, pathLenConstraint } = parseBasicConstraints(value);
      return {
        basicConstraints: pathLenConstraint === undefined ? { cA } : { cA, pathLenConstraint },
      };
    }),
    read(oids.subjectAltName, (value) => {
      const names = parseSubjectAltName(value);
      return {
        userPrincipalNames: userPrincipalNamesIn(names),
        dNSNames: names.flatMap((name) => (name.kind === 'dNSName' ? [name.text] : [])),
      };
    }),
    read(oids.subjectKeyIdentifier, (value) => ({
      subjectKeyIdentifier: hex(parseSubjectKeyIdentifier(value)),
    })),
    read(oids.authorityKeyIdentifier, (value) =>
      said(parseAuthorityKeyIdentifier(value), (octets) => ({ authorityKeyIdentifier: hex(octets) })),
    ),
  ]);
}

/** The algorithm of an AlgorithmIdentifier, which core hands out undecoded. */
function objectIdentifierIn(algorithmIdentifier: Uint8Array): string {
  const { result } = fromBER(algorithmIdentifier);
  const algorithm = result instanceof Sequence ? result.valueBlock.value[0] : undefined;
  return algorithm instanceof ObjectIdentifier ? algorithm.getValue() : 'no algorithm';
}

function extensionValues({ oid, critical, value }: Extension): ExtensionValues {
  return { oid, critical, value: hex(value) };
}
