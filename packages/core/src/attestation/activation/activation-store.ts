import type { TpmIdentity } from '../endorsement/tpm-identity.ts';

/** That an attestation key is in the same TPM as an endorsement key. Plain octets, to be kept for as long as wanted. */
export interface Activation {
  readonly attestationKeyName: Uint8Array;
  /** TPMT_PUBLIC, marshalled. */
  readonly attestationKey: Uint8Array;
  /** TPMT_PUBLIC, marshalled. */
  readonly endorsementKey: Uint8Array;
  readonly endorsement: Endorsement;
  readonly activatedAt: Date;
}

/** What was known of the endorsement key when the challenge was made. */
export type Endorsement =
  | {
      readonly kind: 'certificate';
      /** DER; its path to a root of the manufacturer was valid. */
      readonly certificate: Uint8Array;
      readonly identity: TpmIdentity | undefined;
    }
  /** Nothing: it may be a key in software. Worth as much as the user's own credentials. */
  | { readonly kind: 'none' };

/** A challenge that was handed out and not yet answered. The secret itself is not kept. */
export interface PendingChallenge {
  /** Unique, 32 lower-case hex digits. */
  readonly id: string;
  /** SHA-256 of the secret. */
  readonly secretDigest: Uint8Array;
  /** TPMT_PUBLIC, marshalled. */
  readonly attestationKey: Uint8Array;
  readonly endorsementKey: Uint8Array;
  readonly endorsement: Endorsement;
  readonly expiresAt: Date;
}

/**
 * Where challenges wait for their answers. Several processes may share one store: what one has put any may take, and only
 * one of them gets it.
 */
export interface ChallengeStore {
  /** Durable when the promise resolves. */
  put(challenge: PendingChallenge): Promise<void>;
  /** Removes a challenge for good and returns it: whoever takes it, right answer or wrong, nobody takes it again. */
  take(id: string): Promise<PendingChallenge | undefined>;
  /** Drops challenges that expired before `at`. */
  removeExpired(at: Date): Promise<void>;
}

/** Which attestation keys are known, by their Names. */
export interface ActivationStore {
  /** Durable when the promise resolves. The latest activation of an attestation key stands. */
  record(activation: Activation): Promise<void>;
  find(attestationKeyName: Uint8Array): Promise<Activation | undefined>;
}
