import type {
  Credential,
  EndorsementKeyTemplate,
  KeyAlgorithm,
  SignatureScheme,
  TpmKeyEvidence,
} from '@countersign/core';
import type { TpmReportedIdentity } from './tpm-validation-report.ts';

/**
 * A TPM, as the validation asks it: facts, and operations to try. Nothing here judges; signatures and evidence come as the
 * TPM made them. Operations fail with a CountersignError.
 */
export interface TpmUnderTest {
  /** How it is reached: its URI. */
  readonly description: string;
  /** Opens the way to the TPM, once, before anything else. */
  open(): Promise<void>;
  facts(): Promise<TpmFacts>;
  /** What the TPM holds now. Asked before and after, it shows what the validation left behind. */
  holdings(): Promise<TpmHoldings>;
  /** One command for which the TPM computes nothing. */
  roundTrip(): Promise<void>;
  /** @returns what one TPM2_GetRandom gave: 1 to `most` octets */
  random(most: number): Promise<Uint8Array>;
  /** Makes a key that lives in what is returned: the TPM keeps nothing of it. */
  createKey(spec: TrialKeySpec): Promise<TrialKey>;
  /** Loads a key, works with it, and unloads it. */
  withKey<T>(key: TrialKey, work: (loaded: LoadedTrialKey) => Promise<T>): Promise<T>;
  /** Gives a PIN to the TPM for a key that has one. Wrong ones count. */
  tryPin(key: TrialKey, pin: Uint8Array): Promise<'accepted' | 'refused' | 'locked'>;
  /** Makes the TPM forget the wrong PINs that it counted (TPM2_DictionaryAttackLockReset). */
  resetLockout(): Promise<void>;
  /** Every place for an endorsement key's certificate that has one. */
  endorsementCertificates(): Promise<readonly EndorsementCertificate[]>;
  /** Certificates of the CAs above them that the TPM brings along, DER. */
  endorsementChain(): Promise<readonly Uint8Array[]>;
  /**
   * The endorsement key of a certificate; without one, the key that the first template makes.
   * @returns TPMT_PUBLIC
   * @throws CountersignError `EK_CERTIFICATE_MISMATCH` if the TPM has no such key
   */
  endorsementKey(certificate?: EndorsementCertificate): Promise<EndorsementKeyFound>;
  createAttestationKey(): Promise<TrialKey>;
  /** Has the TPM certify a key over a nonce. */
  certify(key: TrialKey, attestationKey: TrialKey, nonce: Uint8Array): Promise<TpmKeyEvidence>;
  /** Answers a challenge. @returns the secret; the caller wipes it */
  activate(
    challenge: Credential,
    attestationKey: TrialKey,
    certificate: EndorsementCertificate | undefined,
  ): Promise<Uint8Array>;
  /** Switches the TPM off, in good order, and on again; undefined where that cannot be done from here. */
  readonly restart: (() => Promise<void>) | undefined;
  /** A trial key as text, for a later run. It is encrypted by the TPM. */
  saveKey(key: TrialKey): string;
  /** @throws CountersignError if the text is no such key */
  restoreKey(saved: string): TrialKey;
  /** Leaves nothing behind. Safe to call twice. */
  close(): Promise<void>;
}

export interface TrialKeySpec {
  readonly algorithm: KeyAlgorithm;
  /** The key counts wrong ones, as keys of Hello do. Without it the key is used freely, and counts nothing. */
  readonly pin?: Uint8Array;
}

/** Opaque to all but the TPM under test that made it. */
export interface TrialKey {
  /** TPMT_PUBLIC. */
  readonly publicArea: Uint8Array;
  /** How long TPM2_Create alone took. */
  readonly madeInMs: number;
}

export interface LoadedTrialKey {
  /** TPM2_Sign alone. @returns as X.509 has it: DER `ECDSA-Sig-Value`, or as long as the modulus; not verified */
  sign(scheme: SignatureScheme, message: Uint8Array): Promise<Uint8Array>;
}

export interface EndorsementCertificate {
  /** Of the EK Credential Profile, such as `L-1`. */
  readonly slot: string;
  /** NV index. */
  readonly index: number;
  /** DER, or why there is none that can be read. */
  readonly contents: { readonly der: Uint8Array } | { readonly problem: string };
}

export interface EndorsementKeyFound {
  readonly slot: string;
  /** TPMT_PUBLIC. */
  readonly publicArea: Uint8Array;
  readonly template: EndorsementKeyTemplate;
}

export interface TpmFacts {
  readonly identity: TpmReportedIdentity;
  /** Names of the TCG algorithm registry, such as `RSASSA`; numbers in hex for those without one here. */
  readonly algorithms: ReadonlySet<string>;
  /** Names of the registry, such as `NIST_P256`. */
  readonly curves: ReadonlySet<string>;
  /** Sizes of RSA keys that it makes, of 2048, 3072 and 4096. */
  readonly rsaKeyBits: readonly number[];
  readonly lockout: TpmLockout;
  /** Counts resets since it was manufactured or cleared. */
  readonly resetCount: number;
  /** What trial keys hang under. */
  readonly parent: 'persistent' | 'made for the run' | 'made for the run, of no hierarchy that lasts';
}

/** The protection against guessing PINs (TPM 2.0 part 1, 19.8). */
export interface TpmLockout {
  readonly locked: boolean;
  readonly failedTries: number;
  readonly maxTries: number;
  /** After which one failure is forgotten; 0 switches the protection off. */
  readonly recoverySeconds: number;
  readonly lockoutRecoverySeconds: number;
  /** Whether an authorization value guards the reset of the count. */
  readonly administratorSet: boolean;
  /** Whether the count can be reset from here. */
  readonly resettable: boolean;
}

/** Handles by kind, and the count of wrong PINs. */
export interface TpmHoldings {
  readonly handles: Readonly<
    Record<'persistent' | 'nvIndex' | 'transient' | 'loadedSession' | 'savedSession', readonly number[]>
  >;
  readonly failedTries: number;
}
