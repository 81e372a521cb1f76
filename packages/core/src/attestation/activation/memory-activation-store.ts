import type { AttestationNonce, NonceStore } from './attestation-nonce.ts';
import type { Activation, ActivationStore, ChallengeStore, PendingChallenge } from './activation-store.ts';

/** Challenges, activations and nonces for as long as the process lives: for tests and trials. */
export class MemoryActivationStore implements ChallengeStore, ActivationStore, NonceStore {
  readonly #challenges = new Map<string, PendingChallenge>();
  readonly #activations = new Map<string, Activation>();
  readonly #nonces = new Map<string, AttestationNonce>();

  put(challenge: PendingChallenge): Promise<void> {
    this.#challenges.set(challenge.id, challenge);
    return Promise.resolve();
  }

  take(id: string): Promise<PendingChallenge | undefined> {
    const challenge = this.#challenges.get(id);
    this.#challenges.delete(id);
    return Promise.resolve(challenge);
  }

  removeExpired(at: Date): Promise<void> {
    for (const [id, { expiresAt }] of this.#challenges) if (expiresAt < at) this.#challenges.delete(id);
    return Promise.resolve();
  }

  record(activation: Activation): Promise<void> {
    this.#activations.set(hex(activation.attestationKeyName), activation);
    return Promise.resolve();
  }

  find(attestationKeyName: Uint8Array): Promise<Activation | undefined> {
    return Promise.resolve(this.#activations.get(hex(attestationKeyName)));
  }

  addNonce(nonce: AttestationNonce): Promise<void> {
    this.#nonces.set(hex(nonce.nonce), nonce);
    return Promise.resolve();
  }

  bindNonce(nonce: Uint8Array, keyId: string): Promise<AttestationNonce | undefined> {
    const found = this.#nonces.get(hex(nonce));
    if (found === undefined) return Promise.resolve(undefined);
    const bound = { ...found, keyId: found.keyId ?? keyId };
    this.#nonces.set(hex(nonce), bound);
    return Promise.resolve(bound);
  }

  removeExpiredNonces(at: Date): Promise<void> {
    for (const [id, { expiresAt }] of this.#nonces) if (expiresAt < at) this.#nonces.delete(id);
    return Promise.resolve();
  }
}

function hex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}
