import { encodePem, parseSubjectAltName, userPrincipalNamesIn, type Certificate } from '@countersign/core';

/** How commands show a certificate. */
export function certificateRows(
  certificate: Certificate,
): readonly (readonly [name: string, value: string])[] {
  return [
    ['serial', certificate.serialNumber],
    ['subject', certificate.subject.toString()],
    ...userPrincipalNamesOf(certificate).map((upn) => ['UPN', upn] as const),
    ['issuer', certificate.issuer.toString()],
    ['valid', `${certificate.notBefore.toISOString()} to ${certificate.notAfter.toISOString()}`],
    ['key', `${certificate.publicKey.algorithm}, SHA-256 ${certificate.publicKey.keyId}`],
  ];
}

export function certificateJson(certificate: Certificate) {
  return {
    serialNumber: certificate.serialNumber,
    subject: certificate.subject.toString(),
    userPrincipalNames: userPrincipalNamesOf(certificate),
    issuer: certificate.issuer.toString(),
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    keyId: certificate.publicKey.keyId,
    pem: encodePem('CERTIFICATE', certificate.der),
  };
}

function userPrincipalNamesOf(certificate: Certificate): string[] {
  const names = certificate.extension('2.5.29.17');
  return names === undefined ? [] : userPrincipalNamesIn(parseSubjectAltName(names));
}
