import { createHash } from 'node:crypto';
import { CountersignError } from '@countersign/core';
import { hashAlgorithms, type HashAlgorithm } from '../session/algorithms.ts';
import type { AuthSession } from '../session/auth-session.ts';
import type { AuthorizedEntity } from '../session/commands/authorized-entity.ts';
import { policyOr, policySecret } from '../session/commands/policy.ts';
import { computeName, entityNamedByHandle, permanentHandles } from '../session/entity.ts';
import { computePolicyDigest } from '../session/policy-digest.ts';
import type { PublicArea } from '../session/public-area.ts';
import type { Authorization, SessionPool } from '../session/session-pool.ts';
import { TpmWriter } from '../session/wire/tpm-writer.ts';

/** The endorsement hierarchy. @param authorization by an empty authValue if absent */
export function endorsementHierarchy(authorization?: Authorization): AuthorizedEntity {
  return {
    ...entityNamedByHandle(permanentHandles.endorsement),
    authorization: authorization ?? { kind: 'hmac', authValue: new Uint8Array() },
  };
}

/** The policy of low range endorsement keys: knowing the endorsement hierarchy's authValue (TCG EK Credential Profile, B.6.2). */
export function policyA(hash: HashAlgorithm): Uint8Array {
  return computePolicyDigest(hash, [{ kind: 'secret', name: endorsementHierarchy().name }]);
}

/** The policy of high range endorsement keys: policy A or policy C (TCG EK Credential Profile, B.6.5). */
export function policyB(hash: HashAlgorithm): Uint8Array {
  return computePolicyDigest(hash, [{ kind: 'or', digests: [policyA(hash), policyC(hash)] }]);
}

/**
 * Satisfies the policy of an endorsement key.
 * @param session of the key's nameAlg
 * @param authorization of the endorsement hierarchy
 * @throws what the TPM refuses
 */
export async function satisfyEndorsementPolicy(
  pool: SessionPool,
  session: AuthSession,
  kind: 'A' | 'B',
  authorization: Authorization | undefined,
): Promise<void> {
  await policySecret(pool, session, endorsementHierarchy(authorization));
  if (kind === 'B') await policyOr(pool, session, [policyA(session.hash), policyC(session.hash)]);
}

/** Which policy an endorsement key has. @throws CountersignError `EK_TEMPLATE_MISMATCH` if it is neither */
export function endorsementPolicyKind({ nameAlgorithm, authPolicy }: PublicArea): 'A' | 'B' {
  if (Buffer.compare(authPolicy, policyA(nameAlgorithm)) === 0) return 'A';
  if (Buffer.compare(authPolicy, policyB(nameAlgorithm)) === 0) return 'B';
  throw new CountersignError(
    'EK_TEMPLATE_MISMATCH',
    `the endorsement key has the policy ${Buffer.from(authPolicy).toString('hex') || '(none)'}, which is of no default template`,
    'Use an endorsement key of a default template (TCG EK Credential Profile, B.3 and B.4).',
    { adcs: 'CERTSRV_E_INVALID_EK' },
  );
}

/** What the administrator wrote into an NV index that is kept for that: TPM2_PolicyAuthorizeNV (B.6). */
function policyC(hash: HashAlgorithm): Uint8Array {
  const { id, bytes } = hashAlgorithms[hash];
  const nvPublic = new TpmWriter()
    .u32(policyIndices[hash])
    .u16(id)
    .u32(policyIndexAttributes)
    .sized(policyA(hash))
    .u16(2 + bytes)
    .finish();
  const message = new TpmWriter()
    .bytes(new Uint8Array(bytes))
    .u32(policyAuthorizeNvCode)
    .bytes(computeName(hash, nvPublic));
  return Uint8Array.from(createHash(hash).update(message.finish()).digest());
}

/** I-1, I-2 and I-3. */
const policyIndices: Readonly<Record<HashAlgorithm, number>> = {
  sha256: 0x01c07f01,
  sha384: 0x01c07f02,
  sha512: 0x01c07f03,
};

/** POLICYWRITE, WRITEALL, PPREAD, OWNERREAD, AUTHREAD, POLICYREAD, NO_DA, WRITTEN. */
const policyIndexAttributes = 0x220f1008;

/** TPM_CC_PolicyAuthorizeNV. */
const policyAuthorizeNvCode = 0x192;
