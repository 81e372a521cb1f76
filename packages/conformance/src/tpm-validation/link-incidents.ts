import { isCountersignError } from '../deviation.ts';

/** An answer that was not one, or none at all. */
export interface LinkIncident {
  readonly kind: 'altered' | 'lost';
  /** What was being done. */
  readonly during: string;
  readonly message: string;
}

/** What an error says of the way to the TPM, or undefined if it speaks of the TPM itself. */
export function linkIncidentOf(error: unknown, during: string): LinkIncident | undefined {
  if (!isCountersignError(error)) return undefined;
  if (altered.has(error.code)) return { kind: 'altered', during, message: error.message };
  if (lost.has(error.code)) return { kind: 'lost', during, message: error.message };
  return undefined;
}

const altered: ReadonlySet<string> = new Set([
  'TPM_REPLY_MALFORMED',
  'TPM_STRUCTURE_MALFORMED',
  'TPM_RESPONSE_NOT_AUTHENTIC',
]);

const lost: ReadonlySet<string> = new Set(['TPM_UNREACHABLE', 'TPM_TIMEOUT', 'TPM_NOT_FOUND']);
