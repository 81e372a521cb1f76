import { CountersignError, type ErrorCode } from '@countersign/core';
import type { ServiceRequest } from './https-service.ts';

/**
 * The refusals that a service tells its clients by name, with message and hint. All others are the service's own trouble:
 * they may speak of its files, and reach its `onFailure` alone.
 */
const toldToClients = [
  'MESSAGE_MALFORMED',
  'INPUT_TOO_LARGE',
  'TOKEN_REJECTED',
  'MFA_REQUIRED',
  'MFA_FAILED',
  'MFA_TIMED_OUT',
  'NONCE_STALE',
  'REQUEST_REPLAYED',
  'RECEIPT_INVALID',
  'RECEIPT_EXPIRED',
  'RECEIPT_KEY_MISMATCH',
  'RECEIPT_USER_MISMATCH',
  'KEY_NOT_SYNCED',
  'KEY_NOT_REGISTERED',
  'KEY_REGISTERED_TO_ANOTHER',
  'KEY_CREDENTIAL_MALFORMED',
  'KEY_NOT_ACCEPTABLE',
  'KEY_EXPONENT_NOT_ACCEPTABLE',
  'KEY_POINT_INVALID',
  'KEY_CURVE_NOT_NAMED',
  'KEY_BLOCKED',
  'KEY_HAS_SMALL_FACTOR',
  'KEY_HAS_ROCA',
  'KEY_HAS_CLOSE_FACTORS',
  'ALGORITHM_NOT_SUPPORTED',
  'SCHEME_NOT_SUPPORTED',
  'DER_MALFORMED',
  'NAME_MALFORMED',
  'EXTENSION_MALFORMED',
  'ATTRIBUTE_MALFORMED',
  'PROOF_OF_POSSESSION_INVALID',
  'USER_NOT_FOUND',
  'REQUESTER_MISMATCH',
  'REQUEST_ASKS_FOR_TOO_MUCH',
  'ACCOUNT_PROTECTED',
  'AGENT_RESTRICTED',
  'KEY_CERTIFIED_FOR_ANOTHER',
  'ATTESTATION_MISSING',
  'ATTESTATION_MALFORMED',
  'ATTESTATION_MAGIC_WRONG',
  'ATTESTATION_TYPE_WRONG',
  'ATTESTATION_NONCE_MISMATCH',
  'ATTESTATION_NAME_MISMATCH',
  'ATTESTATION_KEY_MISMATCH',
  'ATTESTATION_ATTRIBUTES_REFUSED',
  'ATTESTATION_ALGORITHM_REFUSED',
  'ATTESTATION_SIGNATURE_INVALID',
  'ATTESTATION_KEY_NOT_BOUND',
  'SERVICE_UNREACHABLE',
  'SERVICE_REFUSED',
] as const satisfies readonly ErrorCode[];

export type RefusalCode = (typeof toldToClients)[number];

/** The code that a service names, if it is one that clients know. */
export function refusalCodeIn(text: string | undefined): RefusalCode | undefined {
  return toldToClients.find((code) => code === text);
}

/** Whether the cause lies in the service, so that the client learns nothing more. */
export function isServiceFault(error: unknown): boolean {
  return !(error instanceof CountersignError) || refusalCodeIn(error.code) === undefined;
}

export interface ToldRefusal {
  readonly code: RefusalCode;
  readonly message: string;
  readonly hint: string;
}

/** What the client is told: the refusal itself, or that the service failed. */
export function tellable(error: unknown): ToldRefusal {
  const code = error instanceof CountersignError ? refusalCodeIn(error.code) : undefined;
  if (code !== undefined && error instanceof CountersignError) {
    return { code, message: error.message, hint: error.hint };
  }
  return {
    code: 'SERVICE_REFUSED',
    message: 'the service failed; it has kept the reason to itself',
    hint: 'Try again later, or ask who runs the service.',
  };
}

/** RFC 9110 8.3: type and subtype count without regard to case, parameters not at all. */
export function hasMediaType({ headers }: ServiceRequest, expected: string): boolean {
  return headers['content-type']?.split(';')[0]?.trim().toLowerCase() === expected;
}

export function refused(found: string, hint: string): CountersignError {
  return new CountersignError('SERVICE_REFUSED', found, hint);
}
