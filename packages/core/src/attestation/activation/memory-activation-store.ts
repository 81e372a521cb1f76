import type { Activation, ActivationStore, ChallengeStore, PendingChallenge } from './activation-store.ts';

/** Challenges and activations for as long as the process lives: for tests and trials. */
export class MemoryActivationStore implements ChallengeStore, ActivationStore {
  readonly #challenges = new Map<string, PendingChallenge>();
  readonly #activations = new Map<string, Activation>();

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
}

function hex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}
