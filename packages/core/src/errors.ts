import { adcsErrorCodes, type AdcsErrorSymbol } from './adcs-error-codes.ts';

/**
 * Every reason for which Countersign refuses or fails, grouped by the station that says it.
 * Codes are stable: they may be added to, never renamed.
 */
export type ErrorCode =
  // encodings
  | 'DER_MALFORMED'
  | 'PEM_MALFORMED'
  | 'INPUT_TOO_LARGE'
  | 'NAME_MALFORMED'
  | 'EXTENSION_MALFORMED'
  | 'ATTRIBUTE_MALFORMED'
  | 'VALUE_OUT_OF_RANGE'
  // algorithms, keys, providers
  | 'ALGORITHM_NOT_SUPPORTED'
  | 'SCHEME_NOT_SUPPORTED'
  | 'KEY_NOT_ACCEPTABLE'
  | 'KEY_EXPONENT_NOT_ACCEPTABLE'
  | 'KEY_POINT_INVALID'
  | 'KEY_CURVE_NOT_NAMED'
  | 'KEY_BLOCKED'
  | 'KEY_HAS_SMALL_FACTOR'
  | 'KEY_HAS_ROCA'
  | 'KEY_HAS_CLOSE_FACTORS'
  | 'KEY_REFERENCE_MALFORMED'
  | 'KEY_NOT_FOUND'
  | 'KEY_HELD_ELSEWHERE'
  | 'KEY_AMBIGUOUS'
  | 'KEY_EXISTS'
  | 'KEY_STATE_FORBIDS'
  | 'KEY_NOT_RECORDED'
  | 'KEY_STORE_DAMAGED'
  | 'PROVIDER_NOT_AVAILABLE'
  | 'PROVIDER_CLOSED'
  // TPM
  | 'TPM_NOT_FOUND'
  | 'TPM_NOT_PERMITTED'
  | 'TPM_BUSY'
  | 'TPM_VERSION_NOT_SUPPORTED'
  | 'TPM_UNREACHABLE'
  | 'TPM_TIMEOUT'
  | 'TPM_CANCELLED'
  | 'TPM_REPLY_MALFORMED'
  | 'TPM_REFUSED'
  | 'TPM_STRUCTURE_MALFORMED'
  | 'TPM_SESSION_NOT_SALTED'
  | 'TPM_SESSION_NOT_USABLE'
  | 'TPM_RESPONSE_NOT_AUTHENTIC'
  | 'TPM_KEY_NOT_TRUSTED'
  // PIN
  | 'PIN_REQUIRED'
  | 'PIN_INVALID'
  | 'PIN_INCORRECT'
  | 'PIN_LOCKED'
  | 'PIN_FINAL_TRY'
  | 'PIN_EXPIRED'
  // tokens
  | 'TOKEN_NOT_PRESENT'
  | 'TOKEN_NOT_INITIALIZED'
  | 'TOKEN_FAILED'
  // signatures and requests
  | 'SIGNATURE_INVALID'
  | 'PROOF_OF_POSSESSION_INVALID'
  | 'REQUEST_NOT_COUNTERSIGNED'
  | 'REQUEST_REPLAYED'
  | 'REQUEST_ASKS_FOR_TOO_MUCH'
  | 'CONTROL_NOT_PROCESSED'
  | 'RESPONSE_MISMATCH'
  // directory and registration
  | 'USER_NOT_FOUND'
  | 'USER_EXISTS'
  | 'USER_MALFORMED'
  | 'USER_AMBIGUOUS'
  | 'DIRECTORY_UNREACHABLE'
  | 'DIRECTORY_REFUSED'
  | 'DIRECTORY_REPLY_MALFORMED'
  | 'KEY_CREDENTIAL_MALFORMED'
  | 'KEY_NOT_REGISTERED'
  | 'KEY_REGISTERED_TO_ANOTHER'
  | 'REQUESTER_MISMATCH'
  // registration and RA over the network
  | 'MESSAGE_MALFORMED'
  | 'TOKEN_REJECTED'
  | 'MFA_REQUIRED'
  | 'NONCE_STALE'
  | 'RECEIPT_INVALID'
  | 'RECEIPT_EXPIRED'
  | 'RECEIPT_KEY_MISMATCH'
  | 'RECEIPT_USER_MISMATCH'
  | 'KEY_NOT_SYNCED'
  | 'SERVICE_UNREACHABLE'
  | 'SERVICE_REFUSED'
  // certificates and their issuers
  | 'CERTIFICATE_EXPIRED'
  | 'CERTIFICATE_NOT_YET_VALID'
  | 'CERTIFICATE_REVOKED'
  | 'CERTIFICATE_NOT_TRUSTED'
  | 'CERTIFICATE_NOT_FOUND'
  | 'CERTIFICATE_KEY_MISMATCH'
  | 'CERTIFICATE_STORE_FAILED'
  | 'PATH_NOT_FOUND'
  | 'PATH_TOO_LONG'
  | 'NAME_NOT_PERMITTED'
  | 'POLICY_NOT_SATISFIED'
  | 'PURPOSE_NOT_PERMITTED'
  | 'EXTENSION_NOT_PROCESSED'
  | 'REVOCATION_UNKNOWN'
  | 'RESPONDER_REFUSED'
  | 'RESPONSE_NOT_CURRENT'
  | 'AGENT_NOT_AUTHORIZED'
  | 'ISSUER_NOT_ACCEPTABLE'
  | 'PROFILE_NOT_FOUND'
  | 'AGENT_RESTRICTED'
  | 'AGENT_ENROLLS_ITSELF'
  | 'ACCOUNT_PROTECTED'
  | 'RENEWAL_NOT_POSSIBLE'
  | 'KEY_CERTIFIED_FOR_ANOTHER'
  | 'CERTIFICATE_NOT_CONFORMANT'
  | 'REVOCATION_NOT_POSSIBLE'
  | 'CRL_BASE_MISSING'
  // attestation
  | 'ATTESTATION_MISSING'
  | 'ATTESTATION_MALFORMED'
  | 'ATTESTATION_MAGIC_WRONG'
  | 'ATTESTATION_TYPE_WRONG'
  | 'ATTESTATION_NONCE_MISMATCH'
  | 'ATTESTATION_NAME_MISMATCH'
  | 'ATTESTATION_KEY_MISMATCH'
  | 'ATTESTATION_ATTRIBUTES_REFUSED'
  | 'ATTESTATION_ALGORITHM_REFUSED'
  | 'ATTESTATION_SIGNATURE_INVALID'
  | 'ATTESTATION_KEY_NOT_BOUND'
  | 'ATTESTATION_CHALLENGE_NOT_FOUND'
  | 'ATTESTATION_CHALLENGE_EXPIRED'
  | 'ATTESTATION_CHALLENGE_FAILED'
  | 'EK_CERTIFICATE_MISMATCH'
  | 'EK_CERTIFICATE_NOT_ACCEPTABLE'
  | 'EK_TEMPLATE_MISMATCH'
  // provisioning
  | 'CONFIGURATION_INVALID'
  | 'CONFIRMATION_MISSING'
  | 'POLICY_INVALID'
  | 'PREREQUISITE_FAILED'
  | 'MFA_FAILED'
  | 'MFA_TIMED_OUT'
  // sign-in
  | 'KDC_UNREACHABLE'
  | 'KDC_REPLY_MALFORMED'
  | 'KDC_REPLY_MISMATCH'
  | 'KDC_NOT_TRUSTED'
  | 'KDC_REFUSED'
  | 'CLOCK_SKEW'
  | 'ACCOUNT_DISABLED'
  | 'CERTIFICATE_NOT_OF_USER'
  | 'TRIAL_DOMAIN_NOT_AVAILABLE'
  // records and state
  | 'LEDGER_CONFLICT'
  | 'LEDGER_UNAVAILABLE'
  | 'AUDIT_CHAIN_BROKEN'
  | 'STATE_EXISTS'
  | 'STATE_MISSING'
  | 'STATE_DAMAGED'
  | 'STATE_LOCKED'
  | 'FILE_UNREADABLE'
  | 'FILE_UNWRITABLE';

export interface CountersignErrorOptions {
  /** The refusal that AD CS gives in the same place, for callers that map to it. */
  readonly adcs?: AdcsErrorSymbol;
  readonly cause?: unknown;
}

/**
 * The only error that Countersign throws on purpose. `message` says what was found and what was expected,
 * `hint` what to do next; neither ever holds a PIN or key material.
 */
export class CountersignError extends Error {
  override readonly name = 'CountersignError';
  readonly code: ErrorCode;
  readonly hint: string;
  readonly adcs: { readonly symbol: AdcsErrorSymbol; readonly hresult: number } | undefined;

  constructor(code: ErrorCode, message: string, hint: string, options: CountersignErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = hint;
    this.adcs =
      options.adcs === undefined
        ? undefined
        : { symbol: options.adcs, hresult: adcsErrorCodes[options.adcs] };
  }
}
