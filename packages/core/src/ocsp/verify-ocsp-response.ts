import { CountersignError } from '../errors.ts';
import { oids } from '../object-identifiers.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { Extension } from '../x509/extension.ts';
import { namesIssuer, type CertIdIssuer } from './cert-id.ts';
import { findSigner, type AcceptableSigners } from './find-signer.ts';
import type { BasicOcspResponse, OcspResponse } from './ocsp-response.ts';
import type { CertificateStatus, SingleResponse } from './single-response.ts';

export interface OcspVerificationInputs extends AcceptableSigners {
  /** Whose status is wanted. Its own validity and signature are not looked at. */
  readonly certificate: Pick<Certificate, 'serialNumber' | 'issuer'>;
  /** What the request held; the response must repeat it. Not checked if absent. */
  readonly nonce?: Uint8Array;
  /** By how much the responder's clock may be off. Five minutes if absent. */
  readonly clockSkewMs?: number;
  /**
   * How old a response may be that does not say when it ends: its responder had something newer at any time (RFC 6960
   * 4.2.2.1). Five minutes if absent.
   */
  readonly maxAgeMs?: number;
}

/** What a verified response says of the certificate. */
export interface VerifiedOcspStatus {
  readonly status: CertificateStatus;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  /** The delegated responder, or undefined if the issuer signed. */
  readonly responder: Certificate | undefined;
}

/**
 * Verifies what an OCSP response says of a certificate (RFC 6960 3.2). Revoked and unknown are answers, not errors.
 * @throws CountersignError `RESPONDER_REFUSED` for an error status; `RESPONSE_MISMATCH` if the response is about other
 *   certificates or has another nonce; `RESPONSE_NOT_CURRENT`; `EXTENSION_NOT_PROCESSED`; of the signer
 *   `CERTIFICATE_NOT_FOUND`, `SIGNATURE_INVALID`, `CERTIFICATE_NOT_TRUSTED`, `CERTIFICATE_EXPIRED`,
 *   `CERTIFICATE_NOT_YET_VALID`, `PURPOSE_NOT_PERMITTED`, `REVOCATION_UNKNOWN`, `CERTIFICATE_REVOKED`; and
 *   `ALGORITHM_NOT_SUPPORTED`, `SCHEME_NOT_SUPPORTED`
 */
export function verifyOcspResponse(
  response: OcspResponse,
  inputs: OcspVerificationInputs,
): VerifiedOcspStatus {
  const { basic } = response;
  if (basic === undefined) throw refused(response.status);
  const singles = basic.responses.filter((single) => isAbout(single, inputs.certificate, inputs.issuer));
  // Of two answers about one certificate the worse holds.
  const single = singles.find(({ status }) => status.kind === 'revoked') ?? singles[0];
  if (single === undefined) throw otherCertificate(inputs.certificate);
  const responder = findSigner(basic, inputs);
  assertExtensionsKnown([...basic.extensions, ...single.extensions]);
  if (inputs.nonce !== undefined) assertSameNonce(basic, inputs.nonce);
  assertCurrent(single, inputs);
  const { status, thisUpdate, nextUpdate } = single;
  return { status, thisUpdate, nextUpdate, responder };
}

/** Whether a response speaks of a certificate of this issuer. */
export function isAbout(
  { certId }: SingleResponse,
  certificate: OcspVerificationInputs['certificate'],
  issuer: CertIdIssuer,
): boolean {
  if (certId.serialNumber !== certificate.serialNumber) return false;
  // RFC 6960 4.1.1 hashes the name as the certificate has it; requesters also take it from the issuer's own certificate.
  const { publicKey } = issuer;
  return namesIssuer(certId, { subject: certificate.issuer, publicKey }) || namesIssuer(certId, issuer);
}

/** RFC 6960 4.4: only an extension that is not critical may be ignored. */
function assertExtensionsKnown(extensions: readonly Extension[]): void {
  const unknown = extensions.find(({ critical, oid }) => critical && oid !== oids.ocspNonce);
  if (unknown === undefined) return;
  throw new CountersignError(
    'EXTENSION_NOT_PROCESSED',
    `the OCSP response has the critical extension ${unknown.oid}, which is unknown here`,
    'Use a responder that does without it, or CRLs.',
    { adcs: 'CERT_E_CRITICAL' },
  );
}

function assertSameNonce({ nonce }: BasicOcspResponse, expected: Uint8Array): void {
  if (nonce !== undefined && Buffer.compare(nonce, expected) === 0) return;
  throw new CountersignError(
    'RESPONSE_MISMATCH',
    `the OCSP response has ${nonce === undefined ? 'no nonce' : 'another nonce than the request'}`,
    'Ask again; for a responder that makes its responses beforehand, do without a nonce.',
  );
}

/** RFC 6960 4.2.2.1. */
function assertCurrent({ thisUpdate, nextUpdate }: SingleResponse, inputs: OcspVerificationInputs): void {
  const { at, clockSkewMs = fiveMinutesMs, maxAgeMs = fiveMinutesMs } = inputs;
  const begins = thisUpdate.getTime() - clockSkewMs;
  const ends =
    nextUpdate === undefined ? thisUpdate.getTime() + maxAgeMs : nextUpdate.getTime() + clockSkewMs;
  const now = at.getTime();
  // Written so that an invalid Date, which compares with nothing, is refused.
  if (now >= begins && now <= ends) return;
  const until = nextUpdate === undefined ? 'newer information is always available' : nextUpdate.toISOString();
  throw new CountersignError(
    'RESPONSE_NOT_CURRENT',
    `the OCSP response is of ${thisUpdate.toISOString()}, its next update is: ${until}; it is ${Number.isNaN(now) ? 'no valid time' : at.toISOString()}`,
    'Ask again, and check the clock.',
    { adcs: 'CRYPT_E_NO_REVOCATION_CHECK' },
  );
}

const fiveMinutesMs = 5 * 60_000;

function refused(status: string): CountersignError {
  return new CountersignError(
    'RESPONDER_REFUSED',
    `the OCSP responder declined to answer: ${status}`,
    'Check that the responder serves the issuer, or ask again later.',
    { adcs: 'CRYPT_E_NO_REVOCATION_CHECK' },
  );
}

function otherCertificate({ serialNumber }: OcspVerificationInputs['certificate']): CountersignError {
  return new CountersignError(
    'RESPONSE_MISMATCH',
    `the OCSP response says nothing of the certificate ${serialNumber} of this issuer`,
    'Check that the response belongs to the request.',
  );
}
