import { signerCertificate } from '../cms/parse-signed-data.ts';
import type { SignedMessage } from '../cms/read-signed-data.ts';
import { invalidSignature, verifySignedBy, type SignerInfo } from '../cms/signer-info.ts';
import { oids } from '../object-identifiers.ts';
import type { CertificationRequest } from '../request/certification-request.ts';
import type { Certificate } from '../x509/certificate.ts';
import { parseSubjectKeyIdentifier } from '../x509/standard-extensions.ts';
import { isNoSignature, verifyNoSignature } from './no-signature.ts';

/** A signer by what stands behind it: a certificate, the private key of the request, or nothing at all. */
export type CmcSigner =
  | { readonly kind: 'certificate'; readonly certificate: Certificate; readonly signerInfo: SignerInfo }
  | { readonly kind: 'request-key'; readonly signerInfo: SignerInfo }
  | { readonly kind: 'no-signature'; readonly signerInfo: SignerInfo };

/**
 * Finds out what a SignerInfo of a full PKI request is, and verifies it as that.
 * @throws CountersignError `DER_MALFORMED`, `SIGNATURE_INVALID`, `ALGORITHM_NOT_SUPPORTED`, `SCHEME_NOT_SUPPORTED`
 */
export function verifySigner(
  message: SignedMessage,
  signerInfo: SignerInfo,
  request: CertificationRequest,
): CmcSigner {
  if (isNoSignature(signerInfo)) {
    assertNamesRequestKey(signerInfo, request);
    verifyNoSignature(message, signerInfo);
    return { kind: 'no-signature', signerInfo };
  }
  if (signerInfo.signerIdentifier.kind === 'subjectKeyIdentifier') {
    assertNamesRequestKey(signerInfo, request);
    verifySignedBy(request.publicKey, message, signerInfo);
    return { kind: 'request-key', signerInfo };
  }
  const certificate = signerCertificate(signerInfo, message.certificates);
  verifySignedBy(certificate.publicKey, message, signerInfo);
  return { kind: 'certificate', certificate, signerInfo };
}

/**
 * A signer without a certificate is the key inside: by the subject key identifier that the request asks for or, if it
 * asks for none, that of its key (RFC 5272 3.2). A No-Signature signer may also be named by a serial number of 0, which
 * no certificate has (RFC 5280 4.1.2.2): so Windows writes it, with a dummy for the issuer.
 */
function assertNamesRequestKey({ signerIdentifier }: SignerInfo, request: CertificationRequest): void {
  const names =
    signerIdentifier.kind === 'issuerAndSerialNumber'
      ? Buffer.compare(signerIdentifier.serialNumber, Uint8Array.of(0)) === 0
      : Buffer.compare(signerIdentifier.keyIdentifier, keyIdentifierOf(request)) === 0;
  if (names) return;
  throw invalidSignature('a signer without a certificate is not the key of the certification request');
}

function keyIdentifierOf({ extensionRequests, publicKey }: CertificationRequest): Uint8Array {
  const requested = extensionRequests.find(({ oid }) => oid === oids.subjectKeyIdentifier);
  return requested === undefined ? publicKey.keyIdentifier : parseSubjectKeyIdentifier(requested.value);
}
