import type { Credential } from '../attestation/activation/make-credential.ts';
import type { TpmKeyEvidence } from '../attestation/evidence.ts';
import type { Key, KeyProvider } from './key-provider.ts';

/** Capability of a key that its TPM vouches for: made there, never to leave it. */
export interface AttestsKey {
  /**
   * Has the TPM certify the key. The key must be unlocked.
   * @param nonce what the verifier gave for this (`RequestAttestation.issueNonce`)
   * @returns what goes into the request (`tpmKeyEvidenceAttribute`)
   */
  attest(nonce: Uint8Array): Promise<TpmKeyEvidence>;
}

/** Capability of a provider whose TPM proves which TPM it is. */
export interface AttestsDevice {
  /** The key that attests to others, and the keys that its TPM is known by. */
  attestationIdentity(): Promise<AttestationIdentity>;
  /**
   * Answers the challenge of a verifier (`AttestationChallenges.issue`).
   * @param endorsementKey the public area that the challenge was made for, one of the identity's
   * @returns the secret, for `redeem`; the caller wipes it
   */
  answerChallenge(challenge: Credential, endorsementKey: Uint8Array): Promise<Uint8Array>;
}

export interface AttestationIdentity {
  /** TPMT_PUBLIC of the attestation key, marshalled. */
  readonly attestationKey: Uint8Array;
  /** Those that the manufacturer certified. */
  readonly endorsementKeys: readonly CertifiedEndorsementKey[];
}

export interface CertifiedEndorsementKey {
  /** TPMT_PUBLIC, marshalled. */
  readonly publicArea: Uint8Array;
  /** DER. */
  readonly certificate: Uint8Array;
  /** DER of the CAs above it, where the TPM brings them along. */
  readonly chain: readonly Uint8Array[];
}

export function attestsKey(key: Key): key is Key & AttestsKey {
  return 'attest' in key;
}

export function attestsDevice(provider: KeyProvider): provider is KeyProvider & AttestsDevice {
  return 'attestationIdentity' in provider;
}
