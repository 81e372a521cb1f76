import type { KeyObject } from 'node:crypto';
import type { KeyAlgorithm } from '@countersign/core';
import type { ScryptCost } from './scrypt-cost.ts';

/** What is known of a key without its PIN. */
export interface KeyHeader {
  /** 16 bytes, lower-case hex. */
  readonly id: string;
  readonly label: string;
  readonly algorithm: KeyAlgorithm;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly createdAt: Date;
}

/** A key whose private half is encrypted under its PIN. */
export interface SealedKey extends KeyHeader {
  readonly protection: 'pin';
  readonly cost: ScryptCost;
  readonly salt: Uint8Array;
  /** HMAC that only the right PIN reproduces; tells a wrong PIN from an altered file. */
  readonly keyCheck: Uint8Array;
  readonly nonce: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly tag: Uint8Array;
}

/** A key without a PIN: it lives and dies with the process. */
export interface UnprotectedKey extends KeyHeader {
  readonly protection: 'none';
  readonly privateKey: KeyObject;
}

export type StoredKey = SealedKey | UnprotectedKey;
