import { CountersignError } from '../errors.ts';
import type { Certificate } from '../x509/certificate.ts';
import { readSignedData } from './read-signed-data.ts';
import { identifies, verifySignedBy, type SignedContent, type SignerInfo } from './signer-info.ts';

/** A CMS SignedData (RFC 5652 5.1) with exactly one signer, parsed strictly and not yet verified. */
export interface SignedData extends SignedContent {
  /** The certificate that the SignerInfo names, from among those enclosed. */
  readonly signerCertificate: Certificate;
  readonly signerInfo: SignerInfo;
}

/**
 * Parses a ContentInfo with SignedData that one signer signed, named by the issuer and serial number of a certificate
 * that is enclosed: the form that AD CS and enrollment agents use.
 * @throws CountersignError `DER_MALFORMED`, `REQUEST_NOT_COUNTERSIGNED` if nobody signed
 */
export function parseSignedData(der: Uint8Array): SignedData {
  const { eContentType, content, certificates, crls, signerInfos } = readSignedData(der);
  const [signerInfo, ...others] = signerInfos;
  if (signerInfo === undefined || others.length > 0) {
    throw malformed(`${signerInfos.length} signers stand where one was expected`);
  }
  if (signerInfo.signerIdentifier.kind !== 'issuerAndSerialNumber') {
    throw malformed('the signer is not named by issuer and serial number');
  }
  if (crls.length > 0) throw malformed('it encloses CRLs, which have no place in a request');
  return {
    eContentType,
    content,
    signerInfo,
    signerCertificate: signerCertificate(signerInfo, certificates),
  };
}

/**
 * Verifies message digest, content type and signature (RFC 5652 5.4, 5.6, 11.1, 11.2). Says nothing of whether the
 * signer's certificate may be trusted.
 * @throws CountersignError `SIGNATURE_INVALID`, `ALGORITHM_NOT_SUPPORTED`, `SCHEME_NOT_SUPPORTED`
 */
export function verifySignerInfo(signedData: SignedData): void {
  verifySignedBy(signedData.signerCertificate.publicKey, signedData, signedData.signerInfo);
}

/** The one enclosed certificate that the signer names. @throws CountersignError `DER_MALFORMED` if there is none */
export function signerCertificate(
  { signerIdentifier }: SignerInfo,
  certificates: readonly Certificate[],
): Certificate {
  const [certificate, ...others] = certificates.filter((candidate) =>
    identifies(signerIdentifier, candidate),
  );
  if (certificate === undefined || others.length > 0) {
    throw malformed('the certificate that the signer names is not enclosed');
  }
  return certificate;
}

function malformed(found: string): CountersignError {
  return new CountersignError(
    'DER_MALFORMED',
    `the CMS message is not one that is expected here: ${found}`,
    'Check that what wrote it writes the enroll-on-behalf-of forms of MS-WCCE 3.1.1.4.3.3.',
    { adcs: 'ERROR_INVALID_DATA' },
  );
}
