import { randomBytes } from 'node:crypto';
import type { CertificationRequest } from '../request/certification-request.ts';
import type { Activation, ActivationStore } from './activation/activation-store.ts';
import type { AttestationNonce, NonceStore } from './activation/attestation-nonce.ts';
import {
  applyAttestationPolicy,
  type AttestationContext,
  type AttestationOutcome,
  type AttestationPolicy,
} from './attestation-policy.ts';
import type { ParsedTpmKeyEvidence } from './evidence.ts';
import { attestationRefused } from './refusal.ts';
import { parseCertifyAttest } from './tpm/attest.ts';

export interface RequestAttestationOptions {
  readonly policy: AttestationPolicy;
  readonly nonces: NonceStore;
  readonly activations: ActivationStore;
  /** How long a nonce is good for; an hour if absent. */
  readonly lifetimeMs?: number;
  readonly clock?: () => Date;
}

const defaultLifetimeMs = 60 * 60 * 1000;
const nonceBytes = 32;

/**
 * What an RA or a CA makes of the TPM evidence in requests: the attestation key answered a challenge, the nonce was given
 * to it and to no other, and the key of the request is the one that was attested over it. RA and CA each verify, over
 * stores that they share.
 */
export class RequestAttestation {
  readonly #options: RequestAttestationOptions;
  readonly #clock: () => Date;

  constructor(options: RequestAttestationOptions) {
    this.#options = options;
    this.#clock = options.clock ?? ((): Date => new Date());
  }

  /** Gives an attestation key that answered a challenge what it is to attest over. */
  async issueNonce({ attestationKeyName }: Activation): Promise<AttestationNonce> {
    const { nonces, lifetimeMs = defaultLifetimeMs } = this.#options;
    const now = this.#clock();
    const expiresAt = new Date(now.getTime() + lifetimeMs);
    const issued = { nonce: randomBytes(nonceBytes), attestationKeyName, expiresAt };
    await nonces.removeExpiredNonces(now);
    await nonces.addNonce(issued);
    return issued;
  }

  /**
   * Applies the policy to a request whose proof of possession was verified.
   * @param isUserAuthenticated whether the requester proved to be the user that the certificate is for
   * @throws what `applyAttestationPolicy` throws; `ATTESTATION_NONCE_MISMATCH` for a nonce that was not given, was used for
   *   another key or has expired
   */
  async assess(request: CertificationRequest, isUserAuthenticated: boolean): Promise<AttestationOutcome> {
    const { keyId } = request.publicKey;
    return applyAttestationPolicy(this.#options.policy, request, async (evidence) => ({
      ...(await this.#contextOf(evidence, keyId)),
      isUserAuthenticated,
    }));
  }

  async #contextOf(
    evidence: ParsedTpmKeyEvidence,
    keyId: string,
  ): Promise<Omit<AttestationContext, 'isUserAuthenticated'>> {
    const { nonces, activations } = this.#options;
    const at = this.#clock();
    const given = await nonces.bindNonce(parseCertifyAttest(evidence.attest).extraData, keyId);
    if (given === undefined) throw nonceMismatch('the nonce of the attestation is none that was given here');
    if (!(at <= given.expiresAt)) {
      throw nonceMismatch(`the nonce of the attestation expired at ${given.expiresAt.toISOString()}`);
    }
    if (given.keyId !== keyId) throw nonceMismatch('the nonce of the attestation was used for another key');
    const activation = await activations.find(given.attestationKeyName);
    if (activation === undefined) {
      throw attestationRefused(
        'ATTESTATION_KEY_NOT_BOUND',
        'the attestation key that the nonce was given to is not known any more',
        'Ask for a challenge and answer it with TPM2_ActivateCredential first.',
      );
    }
    return {
      nonce: given.nonce,
      binding: { kind: 'activation', publicArea: activation.attestationKey, activations },
      at,
    };
  }
}

function nonceMismatch(found: string) {
  return attestationRefused(
    'ATTESTATION_NONCE_MISMATCH',
    found,
    'Ask for a nonce, and have the TPM certify the key anew with it.',
  );
}
