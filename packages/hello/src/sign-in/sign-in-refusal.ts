import { CountersignError, type Certificate, type PublicKey } from '@countersign/core';
import { kdcRefusal, kerberosErrors } from './kerberos/kdc-refusal.ts';
import type { KerberosError } from './kerberos/kerberos-error.ts';
import type { SignInRequest } from './sign-in-request.ts';

/**
 * The refusal of a signed request. Where the certificate explains what the KDC says in general terms, that is said; the
 * KDC's own words are the cause.
 */
export function signInRefusal(error: KerberosError, request: SignInRequest): CountersignError {
  const refusal = kdcRefusal(error, request.realm, request.clock());
  const { certificate } = request.signer;
  // Heimdal calls whatever is wrong with signature or certificate bad integrity.
  const isBadIntegrity = error.code === kerberosErrors.badIntegrity;
  const mayHaveExpired = isBadIntegrity || refusal.code === 'CERTIFICATE_NOT_TRUSTED';
  if (mayHaveExpired && certificate.notAfter < error.serverTime) return expired(certificate, error, refusal);
  const curves = isBadIntegrity ? ellipticCurves(request) : [];
  return curves.length === 0 ? refusal : takesRsaAlone(curves, refusal);
}

function expired(
  { serialNumber, notAfter }: Certificate,
  { serverTime }: KerberosError,
  refusal: CountersignError,
): CountersignError {
  return new CountersignError(
    'CERTIFICATE_EXPIRED',
    `${refusal.message}: the user's certificate ${serialNumber} expired at ${notAfter.toISOString()}, and it is ${serverTime.toISOString()} there`,
    'Have a new certificate issued; if this one should be valid still, set both clocks by the same time server.',
    { cause: refusal },
  );
}

/** Heimdal 7.8 and Samba 4.17 know no elliptic curves in certificates. */
function takesRsaAlone(curves: readonly string[], refusal: CountersignError): CountersignError {
  return new CountersignError(
    'ALGORITHM_NOT_SUPPORTED',
    `${refusal.message}; that is what KDCs say that take RSA alone, such as Samba's, and here ${curves.join(', and ')}`,
    'Enroll an RSA key with a CA whose own key is RSA, or sign in to a KDC that knows elliptic curves (MIT Kerberos does).',
    { cause: refusal },
  );
}

function ellipticCurves({ signer, kdcTrust }: SignInRequest): string[] {
  const { certificate, issuers } = signer;
  const issuer = [...issuers, ...kdcTrust.trustAnchors].find((ca) => certificate.isIssuedBy(ca));
  const { algorithm } = certificate.publicKey;
  return [
    ...(isRsa(certificate.publicKey) ? [] : [`the key of the user is ${algorithm}`]),
    ...(issuer === undefined || isRsa(issuer.publicKey)
      ? []
      : [`the key of the CA is ${issuer.publicKey.algorithm}`]),
  ];
}

function isRsa({ algorithm }: PublicKey): boolean {
  return algorithm.startsWith('rsa');
}
