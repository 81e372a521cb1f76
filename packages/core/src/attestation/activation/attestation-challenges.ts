import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { assertGoodKey, type KeyPolicy } from '../../key-quality/assert-good-key.ts';
import { assertAttestationKeyAttributes } from '../key-attributes.ts';
import { attestationRefused } from '../refusal.ts';
import { TpmPublicArea } from '../tpm/public-area.ts';
import type { Activation, ActivationStore, ChallengeStore, Endorsement } from './activation-store.ts';
import { makeCredential, type Credential } from './make-credential.ts';

/** What the requester gets, for TPM2_ActivateCredential. */
export interface AttestationChallenge extends Credential {
  /** To be sent back beside the secret. */
  readonly id: string;
  readonly expiresAt: Date;
}

export interface AttestationChallengesOptions {
  readonly challenges: ChallengeStore;
  readonly activations: ActivationStore;
  /** Five minutes if absent. */
  readonly lifetimeMs?: number;
  /** Which attestation and endorsement keys will do. */
  readonly keyPolicy?: KeyPolicy;
  readonly clock?: () => Date;
}

const defaultLifetimeMs = 5 * 60 * 1000;
const secretBytes = 32;

/** Finds out whether attestation keys are in the TPMs they claim to be in, and remembers those that are. */
export class AttestationChallenges {
  readonly #options: AttestationChallengesOptions;
  readonly #clock: () => Date;

  constructor(options: AttestationChallengesOptions) {
    this.#options = options;
    this.#clock = options.clock ?? ((): Date => new Date());
  }

  /**
   * Makes a challenge for one attestation key.
   * @param attestationKey TPMT_PUBLIC, marshalled, as the requester sent it
   * @param endorsementKey its public area, and what is known of it: `verifyEndorsementKey` returns both
   * @throws CountersignError `ATTESTATION_ATTRIBUTES_REFUSED` unless the key is an attestation key; what parsing it,
   *   `assertGoodKey` and `makeCredential` throw
   */
  async issue(
    attestationKey: Uint8Array,
    endorsementKey: { readonly publicArea: TpmPublicArea; readonly endorsement: Endorsement },
  ): Promise<AttestationChallenge> {
    const { challenges, keyPolicy, lifetimeMs = defaultLifetimeMs } = this.#options;
    const now = this.#clock();
    const publicArea = TpmPublicArea.parse(attestationKey);
    assertAttestationKeyAttributes(publicArea);
    await assertGoodKey(publicArea.publicKey, keyPolicy);
    await assertGoodKey(endorsementKey.publicArea.publicKey, keyPolicy);
    const secret = randomBytes(secretBytes);
    try {
      const credential = makeCredential(endorsementKey.publicArea, publicArea.name, secret);
      const id = randomBytes(16).toString('hex');
      const expiresAt = new Date(now.getTime() + lifetimeMs);
      await challenges.removeExpired(now);
      await challenges.put({
        id,
        secretDigest: digest(secret),
        attestationKey: publicArea.bytes,
        endorsementKey: endorsementKey.publicArea.bytes,
        endorsement: endorsementKey.endorsement,
        expiresAt,
      });
      return { id, expiresAt, ...credential };
    } finally {
      secret.fill(0);
    }
  }

  /**
   * Takes the answer to a challenge. There is one try: right or wrong, the challenge is gone.
   * @param secret what TPM2_ActivateCredential returned; the caller wipes it
   * @throws CountersignError `ATTESTATION_CHALLENGE_NOT_FOUND`, `ATTESTATION_CHALLENGE_EXPIRED`,
   *   `ATTESTATION_CHALLENGE_FAILED`
   */
  async redeem(id: string, secret: Uint8Array): Promise<Activation> {
    const { challenges, activations } = this.#options;
    const challenge = await challenges.take(id);
    if (challenge === undefined) {
      throw attestationRefused(
        'ATTESTATION_CHALLENGE_NOT_FOUND',
        'no challenge of this identifier is waiting: it never was, or it was answered or expired',
        'Ask for a new challenge; each can be answered once.',
      );
    }
    const activatedAt = this.#clock();
    // Written so that an invalid clock counts as late.
    if (!(activatedAt <= challenge.expiresAt)) {
      throw attestationRefused(
        'ATTESTATION_CHALLENGE_EXPIRED',
        `the challenge expired at ${challenge.expiresAt.toISOString()}`,
        'Ask for a new challenge and answer it sooner.',
      );
    }
    // Digests have one length, and say nothing of how much of a guess was right.
    if (!timingSafeEqual(digest(secret), challenge.secretDigest)) {
      throw attestationRefused(
        'ATTESTATION_CHALLENGE_FAILED',
        'the answer is not the secret of the challenge: the two keys are not in one TPM',
        'Ask for a new challenge, with the attestation key and the endorsement key of the same TPM.',
      );
    }
    const { attestationKey, endorsementKey, endorsement } = challenge;
    const attestationKeyName = TpmPublicArea.parse(attestationKey).name;
    const activation = { attestationKeyName, attestationKey, endorsementKey, endorsement, activatedAt };
    await activations.record(activation);
    return activation;
  }
}

function digest(secret: Uint8Array): Uint8Array {
  return createHash('sha256').update(secret).digest();
}
