import { TpmRefusal } from '../command/command-refused.ts';

/**
 * Which of a command's sessions the TPM does not know (any more): TPM_RC_REFERENCE_S0 and after, or TPM_RC_HANDLE for a
 * session. So it is after a reset, and after a resource manager evicted the session.
 */
export function missingSessionIndex(error: unknown): number | undefined {
  if (!(error instanceof TpmRefusal)) return undefined;
  const { responseCode } = error;
  const index = isNumberOfAnother(error) ? ((responseCode >>> 8) & 7) - 1 : responseCode - 0x918;
  return index >= 0 && index < 3 ? index : undefined;
}

/** TPM_RC_HANDLE for a session: one of another kind has its number by now, and would be what a flush hits. */
export function isNumberOfAnother(error: unknown): boolean {
  return error instanceof TpmRefusal && (error.responseCode & ~0x700) === 0x88b;
}
