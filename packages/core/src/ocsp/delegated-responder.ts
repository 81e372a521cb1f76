import { CountersignError } from '../errors.ts';
import { oids } from '../object-identifiers.ts';
import { assertExtensionsProcessed, assertPurpose } from '../path-validation/certificate-roles.ts';
import type { Certificate } from '../x509/certificate.ts';
import { namesMatch } from '../x509/name-matching.ts';
import { parseKeyUsage } from '../x509/standard-extensions.ts';
import type { CertIdIssuer } from './cert-id.ts';

/**
 * Whether this is the certificate of someone whom the issuer lets sign OCSP responses (RFC 6960 4.2.2.2).
 * @throws CountersignError `CERTIFICATE_NOT_TRUSTED`, `PURPOSE_NOT_PERMITTED`, `EXTENSION_NOT_PROCESSED`
 */
export function assertIsDelegate(responder: Certificate, issuer: CertIdIssuer): void {
  // "issued directly by the CA that is identified in the request", and with the same key as the certificate in question.
  if (!namesMatch(responder.issuer, issuer.subject) || !responder.isSignedBy(issuer.publicKey)) {
    throw new CountersignError(
      'CERTIFICATE_NOT_TRUSTED',
      `the OCSP response is signed by ${responder.subject.toString()}, whose certificate ${responder.serialNumber} is not by the issuer ${issuer.subject.toString()}`,
      'Have the CA that issued the certificate in question issue that of the responder.',
      { adcs: 'CERT_E_CHAINING' },
    );
  }
  assertPurpose(responder, oids.ocspSigning, true);
  assertMaySign(responder);
  assertExtensionsProcessed(responder);
}

/** RFC 5280 4.2.1.12: OCSP signing is consistent with digitalSignature and nonRepudiation. */
function assertMaySign(responder: Certificate): void {
  const value = responder.extension(oids.keyUsage);
  if (value === undefined) return;
  const usages = parseKeyUsage(value);
  if (usages.includes('digitalSignature') || usages.includes('nonRepudiation')) return;
  throw new CountersignError(
    'PURPOSE_NOT_PERMITTED',
    `the key usage of the OCSP responder's certificate ${responder.serialNumber} is ${usages.join(', ')}; expected digitalSignature`,
    'Have the responder certified for signatures.',
    { adcs: 'CERT_E_WRONG_USAGE' },
  );
}
