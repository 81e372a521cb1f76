import {
  Certificate,
  CertificationRequest,
  createCertificationRequest,
  createRenewalRequest,
  preferredScheme,
  renewalCertificateAttribute,
  subjectAltName,
  userPrincipalName,
  type Attribute,
  type Key,
} from '@countersign/core';

/**
 * Asks for a certificate for the same key and the same user, signed with the certificate that is renewed.
 * @param key unlocked
 * @param attributes what the request is to say besides, such as the evidence of a TPM
 * @returns CMS around PKCS#10: ContentInfo, DER
 */
export async function requestRenewal(
  key: Key,
  replaces: Uint8Array,
  upn: string,
  attributes: readonly Attribute[],
  at: Date,
): Promise<Uint8Array> {
  const certificate = Certificate.parse(replaces);
  const request = await createCertificationRequest(key, {
    extensionRequests: [subjectAltName([userPrincipalName(upn)])],
    attributes: [renewalCertificateAttribute(certificate), ...attributes],
  });
  return createRenewalRequest(
    key,
    preferredScheme(key),
    certificate,
    CertificationRequest.parse(request),
    at,
  );
}
