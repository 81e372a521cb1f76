import type { Credential } from '@countersign/core';
import { activateCredential as activate } from '../session/commands/attestation.ts';
import type { AuthorizedEntity } from '../session/commands/authorized-entity.ts';
import type { PublicObject } from '../session/commands/read-public.ts';
import { parsePublicArea } from '../session/public-area.ts';
import type { Authorization, SessionPool } from '../session/session-pool.ts';
import { endorsementPolicyKind, satisfyEndorsementPolicy } from './endorsement-policy.ts';

/**
 * Answers a challenge: TPM2_ActivateCredential, with the policy of the endorsement key satisfied by the authValue of the
 * endorsement hierarchy.
 * @param attestationKey the key that the credential names
 * @param endorsementKey the key that it is encrypted to, as `withEndorsementKey` gives it
 * @param credential of `AttestationChallenges.issue` or `makeCredential`
 * @param endorsement of the endorsement hierarchy; an empty authValue if absent
 * @returns the secret; the caller wipes it
 * @throws CountersignError `EK_TEMPLATE_MISMATCH` if the endorsement key has another policy than the templates;
 *   `TPM_REFUSED` if the credential is for another attestation key or another endorsement key
 */
export async function activateCredential(
  pool: SessionPool,
  attestationKey: AuthorizedEntity,
  endorsementKey: PublicObject,
  credential: Credential,
  endorsement?: Authorization,
): Promise<Uint8Array> {
  const area = parsePublicArea(endorsementKey.publicArea);
  const kind = endorsementPolicyKind(area);
  const session = await pool.startPolicySession('policy', area.nameAlgorithm);
  try {
    await satisfyEndorsementPolicy(pool, session, kind, endorsement);
    const authorization = { kind: 'policy', session } as const;
    return await activate(pool, attestationKey, { ...endorsementKey, authorization }, credential);
  } finally {
    // A policy session ends with the command that it authorizes; it is left where that command was never sent.
    if (!session.gone) await pool.endPolicySession(session);
  }
}
