import { CountersignError } from '../errors.ts';
import { oids } from '../object-identifiers.ts';
import { Certificate } from '../x509/certificate.ts';
import type { CertIdIssuer } from './cert-id.ts';
import { assertIsDelegate } from './delegated-responder.ts';
import type { BasicOcspResponse } from './ocsp-response.ts';
import { identifies } from './responder-id.ts';

export interface AcceptableSigners {
  /** Who issued the certificate in question: signs responses, or lets others, under the name and key given here. */
  readonly issuer: CertIdIssuer;
  readonly at: Date;
  /** Where a delegated responder is looked for beside the response itself. */
  readonly certificates?: readonly Certificate[];
  /**
   * Called for a delegated responder whose certificate does not say that it need not be checked (RFC 6960 4.2.2.2.1);
   * throws if it is revoked or its status cannot be told. Without it such responders are refused.
   */
  readonly assertResponderNotRevoked?: (responder: Certificate) => void;
}

/**
 * Finds out who signed, and whether they may (RFC 6960 4.2.2.2): the issuer, or someone to whom it gave a certificate
 * for this purpose.
 * @returns the delegated responder, or undefined for the issuer
 */
export function findSigner(response: BasicOcspResponse, signers: AcceptableSigners): Certificate | undefined {
  const { responderId } = response;
  const isFromIssuer = identifies(responderId, signers.issuer);
  if (isFromIssuer && response.isSignedBy(signers.issuer.publicKey)) return undefined;
  const named = [...response.certificates.flatMap(parsed), ...(signers.certificates ?? [])].filter((one) =>
    identifies(responderId, one),
  );
  const responder = named.find(({ publicKey }) => response.isSignedBy(publicKey));
  if (responder === undefined) throw notSigned(isFromIssuer || named.length > 0);
  assertIsDelegate(responder, signers.issuer);
  responder.assertValidAt(signers.at, 'OCSP responder');
  assertNotRevoked(responder, signers);
  return responder;
}

function assertNotRevoked(responder: Certificate, { assertResponderNotRevoked }: AcceptableSigners): void {
  if (responder.extension(oids.ocspNoCheck) !== undefined) return;
  if (assertResponderNotRevoked === undefined) throw responderUnchecked(responder);
  assertResponderNotRevoked(responder);
}

/** What does not parse may be there for other readers; it signs nothing here. */
function parsed(der: Uint8Array): Certificate[] {
  try {
    return [Certificate.parse(der)];
  } catch (error) {
    if (error instanceof CountersignError) return [];
    throw error;
  }
}

function notSigned(isKnown: boolean): CountersignError {
  return isKnown
    ? new CountersignError(
        'SIGNATURE_INVALID',
        'the signature on the OCSP response was not made by the responder that it names',
        'Check that the response is unaltered.',
        { adcs: 'NTE_BAD_SIGNATURE' },
      )
    : new CountersignError(
        'CERTIFICATE_NOT_FOUND',
        'the OCSP response is not by the issuer, and no certificate of the responder that it names is there',
        'Have the responder enclose its certificate, or give it.',
        { adcs: 'CERT_E_CHAINING' },
      );
}

function responderUnchecked(responder: Certificate): CountersignError {
  return new CountersignError(
    'REVOCATION_UNKNOWN',
    `whether the certificate ${responder.serialNumber} of the OCSP responder is revoked cannot be told: it lacks id-pkix-ocsp-nocheck`,
    'Give the current CRL of its issuer, or have it issued with id-pkix-ocsp-nocheck.',
    { adcs: 'CRYPT_E_NO_REVOCATION_CHECK' },
  );
}
