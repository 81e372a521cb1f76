import type { KeyCustody } from '@countersign/core';
import type { CertificatePlace } from '../store/index.ts';

/** A directory in which the user's key is registered. */
export interface KeyRegistry {
  /** For people: which directory this is. */
  readonly name: string;
  /**
   * Takes a key from the user; one that the user does not have is fine. What it answers is not looked at.
   * @param keyId SHA-256 of the SubjectPublicKeyInfo, lower-case hex
   * @throws CountersignError `USER_NOT_FOUND`, which means that nothing is registered there
   */
  removeKey(upn: string, keyId: string): Promise<unknown>;
}

/** Whose certificates are to be revoked. */
export interface RevocationSubject {
  readonly upn: string;
  /** SHA-256 of the SubjectPublicKeyInfo, lower-case hex. */
  readonly keyId: string;
  /** SubjectPublicKeyInfo, DER; undefined if the key was gone before a certificate was asked for. */
  readonly publicKey: Uint8Array | undefined;
  /** Those that are known here, DER; the CA may have issued one more whose delivery was cut off. */
  readonly certificates: readonly Uint8Array[];
}

/** What a reset passes. Each may be asked again with the same after a crash, and then answers the same. */
export interface ResetStations {
  readonly custody: KeyCustody;
  /** Lends the PIN for tokens that destroy nothing without one; a reset for which there is no PIN fails there. */
  withPin?<T>(purpose: 'known', use: (pin: Uint8Array) => Promise<T>): Promise<T>;
  /** The cloud directory first: a sync would bring back what is taken from the one on premises alone. */
  readonly registries: readonly KeyRegistry[];
  /** Where the certificate was put, beside the key not counted: what lies there goes with the key. */
  readonly places: readonly CertificatePlace[];
  /** Has every certificate of the key revoked at the CA. */
  revoke?(subject: RevocationSubject): Promise<void>;
}
