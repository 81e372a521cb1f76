import { TpmRefusal } from '../command/command-refused.ts';

/**
 * Which of a command's sessions the TPM does not know (any more): TPM_RC_REFERENCE_S0 and after, or TPM_RC_HANDLE for a
 * session where one of another kind has its number by now. So it is after a reset, and after a resource manager evicted
 * the session.
 */
export function missingSessionIndex(error: unknown): number | undefined {
  if (!(error instanceof TpmRefusal)) return undefined;
  if ((error.responseCode & ~0x700) === 0x88b) return ((error.responseCode >>> 8) & 7) - 1;
  const index = error.responseCode - 0x918;
  return index >= 0 && index < 3 ? index : undefined;
}
