import { TpmRefusal } from '../command/command-refused.ts';

/**
 * Which of a command's sessions the TPM does not know (any more): TPM_RC_REFERENCE_S0 and after. So it is after a reset,
 * and after a resource manager evicted the session.
 */
export function missingSessionIndex(error: unknown): number | undefined {
  if (!(error instanceof TpmRefusal)) return undefined;
  const index = error.responseCode - 0x918;
  return index >= 0 && index < 3 ? index : undefined;
}
