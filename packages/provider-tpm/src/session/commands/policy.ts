import { CountersignError } from '@countersign/core';
import type { AuthSession } from '../auth-session.ts';
import { commands, type CommandLayout } from '../command-table.ts';
import { entityNamedByHandle } from '../entity.ts';
import { computePolicyDigest } from '../policy-digest.ts';
import type { SessionPool } from '../session-pool.ts';
import { TpmReader } from '../wire/tpm-reader.ts';
import { TpmWriter } from '../wire/tpm-writer.ts';
import type { AuthorizedEntity } from './authorized-entity.ts';

/** TPM2_PolicySecret: proves the authValue of an entity, to this session alone. */
export async function policySecret(
  pool: SessionPool,
  session: AuthSession,
  entity: AuthorizedEntity,
  policyRef: Uint8Array = new Uint8Array(),
): Promise<void> {
  const parameters = new TpmWriter()
    .sized(session.nonceTpm)
    .u16(0)
    .sized(policyRef)
    .u32(0) // no expiration
    .finish();
  const command = {
    layout: commands.policySecret,
    handles: [entity, entityNamedByHandle(session.handle)],
    parameters,
  };
  await pool.execute(command, [entity.authorization]);
}

/** TPM2_PolicyAuthValue: the use of the session will have to prove the authValue of what it authorizes. */
export async function policyAuthValue(pool: SessionPool, session: AuthSession): Promise<void> {
  await assertInPolicy(pool, session, commands.policyAuthValue, new Uint8Array());
  session.requireAuthValue();
}

/** TPM2_PolicyCommandCode: the session authorizes this command only. */
export async function policyCommandCode(
  pool: SessionPool,
  session: AuthSession,
  command: CommandLayout,
): Promise<void> {
  await assertInPolicy(pool, session, commands.policyCommandCode, new TpmWriter().u32(command.code).finish());
}

/** TPM2_PolicyOR: one of these policies was satisfied. */
export async function policyOr(
  pool: SessionPool,
  session: AuthSession,
  digests: readonly Uint8Array[],
): Promise<void> {
  // Refuses what is no list of digests of this session.
  computePolicyDigest(session.hash, [{ kind: 'or', digests }]);
  const parameters = new TpmWriter().u32(digests.length);
  for (const digest of digests) parameters.sized(digest);
  await assertInPolicy(pool, session, commands.policyOr, parameters.finish());
}

/** TPM2_PolicyGetDigest. */
export async function policyGetDigest(pool: SessionPool, session: AuthSession): Promise<Uint8Array> {
  const parameters = await assertInPolicy(pool, session, commands.policyGetDigest, new Uint8Array());
  const reader = new TpmReader(parameters, 'response to TPM2_PolicyGetDigest');
  const digest = reader.sized();
  reader.end();
  return digest;
}

async function assertInPolicy(
  pool: SessionPool,
  session: AuthSession,
  layout: CommandLayout,
  parameters: Uint8Array,
): Promise<Uint8Array> {
  if (session.kind === 'hmac' || !session.usable) {
    throw new CountersignError(
      'TPM_SESSION_NOT_USABLE',
      session.kind === 'hmac' ? 'an HMAC session has no policy' : 'the TPM session has ended',
      'Start a policy session.',
    );
  }
  const result = await pool.execute(
    { layout, handles: [entityNamedByHandle(session.handle)], parameters },
    [],
  );
  return result.parameters;
}
