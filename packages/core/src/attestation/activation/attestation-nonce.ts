/** What a verifier gave an attestation key to attest over. */
export interface AttestationNonce {
  readonly nonce: Uint8Array;
  /** Of the attestation key that it was given to. */
  readonly attestationKeyName: Uint8Array;
  readonly expiresAt: Date;
  /** SHA-256 of the SubjectPublicKeyInfo, lower-case hex, of the key that was first attested over it. */
  readonly keyId?: string | undefined;
}

/**
 * Where nonces are known until they expire. RA and CA share one store, because both verify the same request: a nonce is
 * good for one key, and for that as often as it is sent.
 */
export interface NonceStore {
  /** Durable when the promise resolves. */
  addNonce(nonce: AttestationNonce): Promise<void>;
  /**
   * Binds a nonce to a key, unless it is bound already; atomic, durable when the promise resolves.
   * @returns what is known of it afterwards, or undefined if it was never given or has been dropped
   */
  bindNonce(nonce: Uint8Array, keyId: string): Promise<AttestationNonce | undefined>;
  /** Drops nonces that expired before `at`. */
  removeExpiredNonces(at: Date): Promise<void>;
}
