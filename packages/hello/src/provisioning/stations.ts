import type { Attribute, Key, KeyAlgorithm, KeyCustody } from '@countersign/core';

/** Whom the user proved to be, and the tokens that say so. Secret. */
export interface Authentication {
  readonly upn: string;
  /** For the registration service. */
  readonly accessToken: string;
  /** For the RA. */
  readonly primaryRefreshToken: { readonly token: string; readonly sessionKey: Uint8Array };
}

export interface Registered {
  /** SHA-256 of the SubjectPublicKeyInfo, lower-case hex, as the directory names the key. */
  readonly keyId: string;
  /** Lets the RA accept the key before it is synced, where the service gives one. */
  readonly receipt: string | undefined;
}

/** Why the RA does not answer yet: the key has not reached its directory. */
export interface NotSynced {
  readonly kind: 'not-synced';
}

export type EnrollmentAnswer = { readonly kind: 'issued'; readonly certificate: Uint8Array } | NotSynced;

/**
 * What provisioning passes, as it needs it. Each may be asked again with the same after a crash, and then answers the
 * same: the registration service knows the key again, the RA the request.
 */
export interface Stations {
  /** @throws CountersignError `PREREQUISITE_FAILED` */
  checkPrerequisites(): Promise<readonly string[]>;
  /** Has the user prove who it is, with two factors. @throws CountersignError `MFA_FAILED`, `MFA_TIMED_OUT` */
  authenticate(): Promise<Authentication>;
  /**
   * Lends a PIN: a new one that obeys the policy, or the one that the key was made with.
   * @param purpose `new` asks twice
   */
  withPin<T>(purpose: 'new' | 'known', use: (pin: Uint8Array) => Promise<T>): Promise<T>;
  readonly custody: KeyCustody;
  readonly algorithm: KeyAlgorithm;
  /** @param publicKey SubjectPublicKeyInfo, DER */
  register(publicKey: Uint8Array, authentication: Authentication): Promise<Registered>;
  /** What the request is to say besides of the key, such as the evidence of a TPM. */
  attest?(key: Key): Promise<readonly Attribute[]>;
  /**
   * Absent where no certificate is wanted (UseCertificateForOnPremAuth): the key alone signs the user in.
   * @param request PKCS#10, DER
   */
  enroll?(
    request: Uint8Array,
    receipt: string | undefined,
    authentication: Authentication,
  ): Promise<EnrollmentAnswer>;
}
