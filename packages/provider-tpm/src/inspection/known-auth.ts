import { CountersignError } from '@countersign/core';
import { TpmRefusal } from '../session/index.ts';
import { speaksOfPin } from '../storage/lockout.ts';

/**
 * Runs commands whose authValues are known to be right. Where the TPM finds them wrong all the same, the nonces that they
 * are proved over are not those that it gave.
 * @throws CountersignError `TPM_RESPONSE_NOT_AUTHENTIC` in place of the refusal
 */
export async function withKnownAuth<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!refusesOwnAuth(error)) throw error;
    throw new CountersignError(
      'TPM_RESPONSE_NOT_AUTHENTIC',
      `an authorization that is right was taken for wrong (${error instanceof Error ? error.message : ''}): what the TPM gave to compute it over was altered on the way`,
      'Find out what stands between this program and the TPM.',
      { cause: error },
    );
  }
}

export function refusesOwnAuth(error: unknown): boolean {
  return speaksOfPin(error) && !isLockedOut(error);
}

/** TPM_RC_LOCKOUT. */
export function isLockedOut(error: unknown): boolean {
  return error instanceof TpmRefusal && error.responseCode === 0x921;
}
