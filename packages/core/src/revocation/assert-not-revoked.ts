import { CountersignError } from '../errors.ts';
import type { CertIdIssuer } from '../ocsp/cert-id.ts';
import type { BasicOcspResponse, OcspResponse } from '../ocsp/ocsp-response.ts';
import { isAbout, verifyOcspResponse, type VerifiedOcspStatus } from '../ocsp/verify-ocsp-response.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { CertificateList } from '../x509/certificate-list.ts';
import {
  assertNotOnCertificateLists,
  certificateRevoked,
  type CertificateListInputs,
} from './check-certificate-lists.ts';

export interface RevocationInputs {
  readonly at: Date;
  readonly certificateLists?: readonly CertificateList[] | undefined;
  readonly ocspResponses?: readonly OcspResponse[] | undefined;
  /** Where delegated responders are looked for beside the responses. */
  readonly certificates: readonly Certificate[];
  /** Whether a CRL is signed by a key that may speak for its issuer. */
  readonly isTrusted: CertificateListInputs['isTrusted'];
}

/**
 * Finds out from OCSP responses or CRLs whether a certificate is revoked. Either will do; where both can tell, either
 * can say that it is revoked: what is refused wrongly for an hour does less harm than what is accepted wrongly.
 * @throws CountersignError `CERTIFICATE_REVOKED`, `REVOCATION_UNKNOWN`
 */
export function assertNotRevoked(
  certificate: Certificate,
  issuer: CertIdIssuer,
  inputs: RevocationInputs,
): void {
  const { at, certificateLists, isTrusted } = inputs;
  const status = newestAnswer(certificate, issuer, inputs)?.status;
  if (status?.kind === 'revoked') throw certificateRevoked(certificate, status);
  const isGood = status?.kind === 'good';
  if (certificateLists === undefined) {
    if (isGood) return;
    throw unknown(certificate);
  }
  try {
    assertNotOnCertificateLists(certificate, { at, certificateLists, isTrusted });
  } catch (error) {
    const isUnknown = error instanceof CountersignError && error.code === 'REVOCATION_UNKNOWN';
    if (!isUnknown || !isGood) throw error;
  }
}

/** Of the responses that hold, the newest counts: a certificate may have been revoked, or released, since the others. */
function newestAnswer(
  certificate: Certificate,
  issuer: CertIdIssuer,
  inputs: RevocationInputs,
): VerifiedOcspStatus | undefined {
  return (inputs.ocspResponses ?? [])
    .filter(({ basic }) => basic !== undefined && speaksOf(basic, certificate, issuer))
    .flatMap((response) => verified(response, certificate, issuer, inputs))
    .reduce<VerifiedOcspStatus | undefined>((a, b) => (a !== undefined && outranks(a, b) ? a : b), undefined);
}

function outranks(a: VerifiedOcspStatus, b: VerifiedOcspStatus): boolean {
  const difference = a.thisUpdate.getTime() - b.thisUpdate.getTime();
  return difference > 0 || (difference === 0 && a.status.kind === 'revoked');
}

function speaksOf(basic: BasicOcspResponse, certificate: Certificate, issuer: CertIdIssuer): boolean {
  return basic.responses.some((single) => isAbout(single, certificate, issuer));
}

/** A response that does not hold is as good as none: another, or a CRL, may. */
function verified(
  response: OcspResponse,
  certificate: Certificate,
  issuer: CertIdIssuer,
  { at, certificates, certificateLists, isTrusted }: RevocationInputs,
): VerifiedOcspStatus[] {
  try {
    const verdict = verifyOcspResponse(response, {
      certificate,
      issuer,
      at,
      certificates,
      ...(certificateLists && {
        assertResponderNotRevoked: (responder) => {
          assertNotOnCertificateLists(responder, { at, certificateLists, isTrusted });
        },
      }),
    });
    return [verdict];
  } catch (error) {
    if (error instanceof CountersignError) return [];
    throw error;
  }
}

function unknown(certificate: Certificate): CountersignError {
  return new CountersignError(
    'REVOCATION_UNKNOWN',
    `whether the certificate ${certificate.serialNumber} of ${certificate.subject.toString()} is revoked cannot be told: no current OCSP response by its issuer, or for it, says so`,
    'Give a current OCSP response for every certificate in the path, or the current CRLs.',
    { adcs: 'CRYPT_E_NO_REVOCATION_CHECK' },
  );
}
