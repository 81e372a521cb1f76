import type { KeyAlgorithm } from './key-algorithm.ts';
import type { SignatureScheme } from './signature-scheme.ts';

/**
 * Where keys live. This interface is all that a provider must implement; whatever else it can do it shows by
 * implementing one of the capabilities below, which callers find by narrowing (`isPinProtected(key)`).
 *
 * Key references are URIs (`memory:…`, RFC 7512 `pkcs11:…`, `tpm:…`). A reference that matches no key is refused
 * with `KEY_NOT_FOUND`, one that matches several with `KEY_AMBIGUOUS`. `KEY_NOT_FOUND` says that the place was looked
 * at; a reference to a place that this provider does not have is refused with `KEY_HELD_ELSEWHERE`, or with
 * `TOKEN_NOT_PRESENT`.
 */
export interface KeyProvider {
  readonly info: ProviderInfo;
  /** Makes a key pair. The key is usable at once; a key that needs a PIN comes back unlocked. */
  generate(spec: KeySpec): Promise<Key>;
  /** Finds one key. A key that needs a PIN comes back locked. */
  open(ref: string): Promise<Key>;
  list(): Promise<readonly KeyDescription[]>;
  /** Destroys one key for good, with the certificate that lies beside it. */
  destroy(ref: string): Promise<void>;
  /** Drops every unlocked key and releases what the provider holds. Safe to call twice. */
  close(): Promise<void>;
}

export interface ProviderInfo {
  /** The URI scheme of this provider's references, without the colon. */
  readonly scheme: string;
  readonly description: string;
  /** What `generate` takes, best first. */
  readonly algorithms: readonly KeyAlgorithm[];
  /**
   * What `destroy` does to the private key, and what of it may be left: what an auditor reads beside a destroyed key
   * (SP 800-57 part 1 rev. 5, 8.3.4). Half a sentence, such as `removed from the token, which keeps no copy`.
   */
  readonly destruction: string;
}

export interface KeySpec {
  readonly algorithm: KeyAlgorithm;
  /** A name for people; several keys may share it. */
  readonly label?: string;
  /** UTF-8. The provider copies what it needs, the caller wipes the buffer. */
  readonly pin?: Uint8Array;
}

/** What can be said of a key without its PIN. */
export interface KeyDescription {
  /** A reference that matches this key alone. */
  readonly ref: string;
  readonly label: string;
  readonly algorithm: KeyAlgorithm;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
}

export interface Key extends KeyDescription {
  /** The schemes this key signs with, best first. */
  readonly schemes: readonly SignatureScheme[];
  /**
   * Signs a whole message (the provider hashes). The result has the form that X.509 wants: DER `ECDSA-Sig-Value`,
   * RSASSA-PSS with a salt as long as the hash. Errors: `SCHEME_NOT_SUPPORTED`, `PIN_REQUIRED`.
   */
  sign(scheme: SignatureScheme, message: Uint8Array): Promise<Uint8Array>;
}

/** Capability of a key whose use a PIN guards. PINs are UTF-8; the caller wipes its buffers. */
export interface PinProtected {
  readonly locked: boolean;
  /** Errors: `PIN_INCORRECT` (says how many tries are left), `PIN_LOCKED` (says when a try is possible again). */
  unlock(pin: Uint8Array): Promise<void>;
  lock(): void;
  changePin(currentPin: Uint8Array, newPin: Uint8Array): Promise<void>;
  /** Wrong PINs that may still be given before the provider locks; the least it can be, where the provider cannot know. */
  retriesLeft(): Promise<number>;
}

/**
 * What a key's own device says of where the key came from. It is that device's word, which nothing signs: no attestation,
 * and worth what the link to the device is worth. A field is undefined where the device does not say.
 */
export interface KeyOriginClaims {
  /** Made inside the device, by its own key generation. */
  readonly local: boolean | undefined;
  /** The private half was never readable in the clear. */
  readonly alwaysSensitive: boolean | undefined;
  /** The private half could never leave the device, not even wrapped. */
  readonly neverExtractable: boolean | undefined;
  /** How it was made, in the terms of the device, such as `CKM_EC_KEY_PAIR_GEN`. */
  readonly generationMechanism: string | undefined;
  readonly manufacturer: string;
  readonly model: string;
  readonly serialNumber: string;
  readonly firmwareVersion: string;
}

/** Capability of a key whose device makes such claims. */
export interface ClaimsKeyOrigin {
  originClaims(): Promise<KeyOriginClaims>;
}

/** Capability of a provider that keeps certificates beside their keys: the user's certificate store. */
export interface CertificateStore {
  /** Stores a DER certificate beside the key it certifies; `CERTIFICATE_KEY_MISMATCH` if the keys differ. */
  putCertificate(ref: string, certificate: Uint8Array): Promise<void>;
  /** The DER certificate beside the key, or undefined if there is none. */
  getCertificate(ref: string): Promise<Uint8Array | undefined>;
  listCertificates(): Promise<readonly StoredCertificate[]>;
  removeCertificate(ref: string): Promise<void>;
}

export interface StoredCertificate {
  readonly ref: string;
  /** DER. */
  readonly certificate: Uint8Array;
}

export function isPinProtected(key: Key): key is Key & PinProtected {
  return 'unlock' in key;
}

export function claimsKeyOrigin(key: Key): key is Key & ClaimsKeyOrigin {
  return 'originClaims' in key;
}

export function isCertificateStore(provider: KeyProvider): provider is KeyProvider & CertificateStore {
  return 'putCertificate' in provider;
}
