import type { Attribute, Key, KeyCustody } from '@countersign/core';
import type { CertificatePlace } from '../store/index.ts';

/** What a renewal passes. Each may be asked again with the same after a crash, and then answers the same. */
export interface RenewalStations {
  readonly custody: KeyCustody;
  /** Lends the PIN of the key. */
  withPin<T>(purpose: 'known', use: (pin: Uint8Array) => Promise<T>): Promise<T>;
  /**
   * Whether the key is still registered for the user in the directory that the CA asks.
   * @param keyId SHA-256 of the SubjectPublicKeyInfo, lower-case hex
   */
  isRegistered(upn: string, keyId: string): Promise<boolean>;
  /** What the request is to say besides, such as the evidence of a TPM. */
  attest?(key: Key): Promise<readonly Attribute[]>;
  /**
   * Hands the request to the CA.
   * @param request CMS around PKCS#10: ContentInfo, DER
   * @param replaces the certificate that is renewed, DER
   * @returns the new certificate, DER
   */
  submit(request: Uint8Array, replaces: Uint8Array): Promise<Uint8Array>;
  /** Where the certificate was put, beside the key not counted: there it is put in any case. */
  readonly places: readonly CertificatePlace[];
}
