import type { ErrorCode } from '@countersign/core';

/** What a number of KRB-ERROR stands for (RFC 4120 7.5.9, RFC 4556 3.1.4, RFC 6113 5.3, RFC 8636 7). */
export interface KerberosRefusal {
  readonly symbol: string;
  readonly code: ErrorCode;
  /** What the KDC found, as the rest of a sentence about it. */
  readonly found: string;
  /** What to do next. */
  readonly hint: string;
}

const askAdministrator = 'Ask the administrator of the realm.';
const newCertificate = 'Have a certificate issued for this user, by a CA that the KDC trusts for sign-in.';
const kdcLog = 'Look into the log of the KDC, which says more.';

/** Numbers that a sign-in can meet. */
export const kerberosRefusals: ReadonlyMap<number, KerberosRefusal> = new Map([
  refusal(1, 'KDC_ERR_NAME_EXP', 'ACCOUNT_DISABLED', 'the account has expired', askAdministrator),
  refusal(
    6,
    'KDC_ERR_C_PRINCIPAL_UNKNOWN',
    'USER_NOT_FOUND',
    'it does not know the user',
    'Check name and realm, letter case included.',
  ),
  refusal(
    7,
    'KDC_ERR_S_PRINCIPAL_UNKNOWN',
    'KDC_REFUSED',
    'it has no ticket-granting service for the realm',
    'Check the realm.',
  ),
  refusal(
    8,
    'KDC_ERR_PRINCIPAL_NOT_UNIQUE',
    'KDC_REFUSED',
    'the name belongs to several users',
    askAdministrator,
  ),
  refusal(
    11,
    'KDC_ERR_NEVER_VALID',
    'KDC_REFUSED',
    'the lifetime asked for ends before it begins',
    'Ask for a longer lifetime, and check the clock.',
  ),
  refusal(12, 'KDC_ERR_POLICY', 'KDC_REFUSED', 'its policy forbids the sign-in', askAdministrator),
  refusal(
    13,
    'KDC_ERR_BADOPTION',
    'KDC_REFUSED',
    'it does not grant what was asked for',
    'Ask for a ticket that is neither forwardable nor renewable.',
  ),
  refusal(
    14,
    'KDC_ERR_ETYPE_NOSUPP',
    'ALGORITHM_NOT_SUPPORTED',
    'it has none of the encryption types that were offered',
    'Enable AES on the KDC and for the account.',
  ),
  refusal(
    16,
    'KDC_ERR_PADATA_TYPE_NOSUPP',
    'KDC_REFUSED',
    'it takes no certificates',
    'Give the KDC a certificate, and the CAs of the users to trust (MIT: pkinit_identity, pkinit_anchors).',
  ),
  refusal(
    18,
    'KDC_ERR_CLIENT_REVOKED',
    'ACCOUNT_DISABLED',
    'the account is disabled or locked',
    askAdministrator,
  ),
  refusal(21, 'KDC_ERR_CLIENT_NOTYET', 'ACCOUNT_DISABLED', 'the account is not valid yet', askAdministrator),
  refusal(
    23,
    'KDC_ERR_KEY_EXPIRED',
    'ACCOUNT_DISABLED',
    'the password of the account has expired',
    'Change the password.',
  ),
  refusal(24, 'KDC_ERR_PREAUTH_FAILED', 'KDC_REFUSED', 'it does not accept the signed request', kdcLog),
  refusal(
    25,
    'KDC_ERR_PREAUTH_REQUIRED',
    'KDC_REFUSED',
    'the certificate alone is not enough for it',
    askAdministrator,
  ),
  refusal(29, 'KDC_ERR_SVC_UNAVAILABLE', 'KDC_UNREACHABLE', 'it is not available now', 'Try again later.'),
  refusal(
    31,
    'KRB_AP_ERR_BAD_INTEGRITY',
    'KDC_REFUSED',
    'it cannot make sense of the signed request',
    kdcLog,
  ),
  refusal(
    37,
    'KRB_AP_ERR_SKEW',
    'CLOCK_SKEW',
    'its clock is too far from the one here',
    'Set both clocks by the same time server.',
  ),
  refusal(60, 'KRB_ERR_GENERIC', 'KDC_REFUSED', 'it gives no reason', kdcLog),
  refusal(
    62,
    'KDC_ERR_CLIENT_NOT_TRUSTED',
    'CERTIFICATE_NOT_TRUSTED',
    'it does not trust the certificate',
    newCertificate,
  ),
  refusal(
    64,
    'KDC_ERR_INVALID_SIG',
    'SIGNATURE_INVALID',
    'the signature on the request does not hold for it',
    'Check that the KDC knows the signature scheme, or sign with another.',
  ),
  refusal(
    65,
    'KDC_ERR_DH_KEY_PARAMETERS_NOT_ACCEPTED',
    'ALGORITHM_NOT_SUPPORTED',
    'it accepts neither group 14 nor group 16 of RFC 3526',
    'Enable one of them on the KDC (MIT: pkinit_dh_min_bits).',
  ),
  refusal(
    66,
    'KDC_ERR_CERTIFICATE_MISMATCH',
    'CERTIFICATE_NOT_OF_USER',
    'the certificate is not mapped to this user',
    newCertificate,
  ),
  refusal(
    68,
    'KDC_ERR_WRONG_REALM',
    'KDC_REFUSED',
    'the user belongs to another realm',
    'Sign in to that realm.',
  ),
  refusal(
    70,
    'KDC_ERR_CANT_VERIFY_CERTIFICATE',
    'CERTIFICATE_NOT_TRUSTED',
    'it finds no valid path to the certificate',
    'Check that the certificate has not expired, and that the KDC trusts the CA that issued it.',
  ),
  refusal(
    71,
    'KDC_ERR_INVALID_CERTIFICATE',
    'CERTIFICATE_NOT_TRUSTED',
    'the certificate, or one above it, is not valid',
    newCertificate,
  ),
  refusal(
    72,
    'KDC_ERR_REVOKED_CERTIFICATE',
    'CERTIFICATE_REVOKED',
    'the certificate, or one above it, is revoked',
    'Have a new certificate issued.',
  ),
  refusal(
    73,
    'KDC_ERR_REVOCATION_STATUS_UNKNOWN',
    'REVOCATION_UNKNOWN',
    'it cannot tell whether the certificate is revoked',
    'Have the CA publish a current CRL, and give it to the KDC.',
  ),
  refusal(
    74,
    'KDC_ERR_REVOCATION_STATUS_UNAVAILABLE',
    'REVOCATION_UNKNOWN',
    'it has no CRL or OCSP response for the certificate',
    'Have the CA publish a current CRL, and give it to the KDC.',
  ),
  refusal(
    75,
    'KDC_ERR_CLIENT_NAME_MISMATCH',
    'CERTIFICATE_NOT_OF_USER',
    'the certificate names another user',
    newCertificate,
  ),
  refusal(
    76,
    'KDC_ERR_KDC_NAME_MISMATCH',
    'KDC_NOT_TRUSTED',
    'it is not the KDC that was meant',
    'Check name and port of the KDC.',
  ),
  refusal(
    77,
    'KDC_ERR_INCONSISTENT_KEY_PURPOSE',
    'PURPOSE_NOT_PERMITTED',
    'the certificate is not for sign-in',
    'Have a certificate issued with the extended key usages smart card logon and client authentication, and the key usage digitalSignature (MIT: pkinit_eku_checking = scLogin).',
  ),
  refusal(
    78,
    'KDC_ERR_DIGEST_IN_CERT_NOT_ACCEPTED',
    'ALGORITHM_NOT_SUPPORTED',
    'it does not accept the hash that the certificate is signed with',
    'Have the CA sign with SHA-256.',
  ),
  refusal(
    80,
    'KDC_ERR_DIGEST_IN_SIGNED_DATA_NOT_ACCEPTED',
    'ALGORITHM_NOT_SUPPORTED',
    'it does not accept the hash that the request is signed with',
    'Sign with a scheme of another hash.',
  ),
  refusal(
    90,
    'KDC_ERR_PREAUTH_EXPIRED',
    'KDC_REFUSED',
    'the sign-in took longer than its freshness token is good for',
    'Try again.',
  ),
  refusal(
    100,
    'KDC_ERR_NO_ACCEPTABLE_KDF',
    'ALGORITHM_NOT_SUPPORTED',
    'it has none of the key derivations of RFC 8636 that were offered',
    'Enable SHA-256 or SHA-512 on the KDC.',
  ),
]);

/** For every other number. */
export const otherRefusal: KerberosRefusal = {
  symbol: 'without a name here',
  code: 'KDC_REFUSED',
  found: 'the reason is none that a sign-in should meet',
  hint: kdcLog,
};

function refusal(
  number: number,
  symbol: string,
  code: ErrorCode,
  found: string,
  hint: string,
): [number, KerberosRefusal] {
  return [number, { symbol, code, found, hint }];
}
