import { CountersignError, encodeTpmSignature } from '@countersign/core';
import type { AuthorizedEntity } from '../session/commands/authorized-entity.ts';
import type { TpmSignature } from '../session/commands/signatures.ts';

/** A key that is loaded, and how its use is authorized. */
export interface LoadedKey extends AuthorizedEntity {
  /** TPMT_PUBLIC. */
  readonly publicArea: Uint8Array;
}

/** What a TPM said, in the form that verifiers take. */
export interface SignedAttestation {
  /** TPMS_ATTEST, the octets that are signed. */
  readonly attest: Uint8Array;
  /** TPMT_SIGNATURE, marshalled. */
  readonly signature: Uint8Array;
}

/** @throws CountersignError `VALUE_OUT_OF_RANGE` for a nonce that makes the attestation good for anything, or fits no TPM */
export function assertNonce(nonce: Uint8Array): void {
  if (nonce.length > 0 && nonce.length <= maxNonceBytes) return;
  throw new CountersignError(
    'VALUE_OUT_OF_RANGE',
    `the nonce of the attestation has ${nonce.length} octets; expected 1 to ${maxNonceBytes}`,
    'Give the nonce of the verifier, or a hash of what it gave.',
  );
}

export function encodeSignature(signature: TpmSignature): Uint8Array {
  const { hash } = signature;
  return signature.algorithm === 'ecdsa'
    ? encodeTpmSignature({ scheme: 'ecdsa', hash, r: signature.r, s: signature.s })
    : encodeTpmSignature({ scheme: signature.algorithm, hash, signature: signature.signature });
}

/** TPM2B_DATA: as much as TPMT_HA of SHA-512 (TPM 2.0 part 2, 10.4.3). */
const maxNonceBytes = 66;
