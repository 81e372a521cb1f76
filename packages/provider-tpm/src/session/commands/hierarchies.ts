import { commands } from '../command-table.ts';
import { permanentHandles } from '../entity.ts';
import type { SessionPool } from '../session-pool.ts';
import { TpmWriter } from '../wire/tpm-writer.ts';
import type { AuthorizedEntity } from './authorized-entity.ts';

/** TPM2_HierarchyChangeAuth. The new authValue crosses the bus encrypted; the caller wipes it. */
export async function hierarchyChangeAuth(
  pool: SessionPool,
  hierarchy: AuthorizedEntity,
  newAuthValue: Uint8Array,
): Promise<void> {
  const parameters = new TpmWriter().sized(newAuthValue).finish();
  try {
    const command = { layout: commands.hierarchyChangeAuth, handles: [hierarchy], parameters };
    await pool.execute(command, [hierarchy.authorization], newAuthValue);
  } finally {
    parameters.fill(0);
  }
}

/**
 * TPM2_Clear: every key of owner and endorsement hierarchy is lost, their authValues and that of lockout become empty.
 * @param authority lockout or platform.
 */
export async function clear(pool: SessionPool, authority: AuthorizedEntity): Promise<void> {
  const command = { layout: commands.clear, handles: [authority], parameters: new Uint8Array() };
  const emptied = authority.handle === permanentHandles.lockout ? new Uint8Array() : undefined;
  await pool.execute(command, [authority.authorization], emptied);
}

/** TPM2_DictionaryAttackLockReset: forgets the wrong authValues that were counted. */
export async function dictionaryAttackLockReset(pool: SessionPool, lockout: AuthorizedEntity): Promise<void> {
  const command = {
    layout: commands.dictionaryAttackLockReset,
    handles: [lockout],
    parameters: new Uint8Array(),
  };
  await pool.execute(command, [lockout.authorization]);
}

export interface DictionaryAttackParameters {
  /** Wrong authValues until the TPM locks. */
  readonly maxTries: number;
  /** After which one wrong authValue is forgotten; 0 disables the protection. */
  readonly recoverySeconds: number;
  /** After which lockout may be tried again; 0 asks for a reboot. */
  readonly lockoutRecoverySeconds: number;
}

/** TPM2_DictionaryAttackParameters. */
export async function dictionaryAttackParameters(
  pool: SessionPool,
  lockout: AuthorizedEntity,
  { maxTries, recoverySeconds, lockoutRecoverySeconds }: DictionaryAttackParameters,
): Promise<void> {
  const parameters = new TpmWriter().u32(maxTries).u32(recoverySeconds).u32(lockoutRecoverySeconds).finish();
  const command = { layout: commands.dictionaryAttackParameters, handles: [lockout], parameters };
  await pool.execute(command, [lockout.authorization]);
}
