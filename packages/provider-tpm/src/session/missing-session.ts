import { CountersignError } from '@countersign/core';

/**
 * The TPM answered with a response code other than success. Such answers carry no HMAC, so anybody on the bus can make
 * one: no secret may be judged wrong, or right, for good by it.
 */
export class TpmRefusal extends CountersignError {
  /** TPM_RC, as it came (TPM 2.0 part 2, 6.6). */
  readonly responseCode: number;

  constructor(command: string, responseCode: number) {
    super(
      'TPM_REFUSED',
      `the TPM refused ${command} with the response code 0x${responseCode.toString(16).padStart(3, '0')}`,
      'Look the code up in the TPM 2.0 library specification, part 2, 6.6 (tpm2_rc_decode does).',
    );
    this.responseCode = responseCode;
  }
}

/**
 * Which of a command's sessions the TPM does not know (any more): TPM_RC_REFERENCE_S0 and after. So it is after a reset,
 * and after a resource manager evicted the session.
 */
export function missingSessionIndex(error: unknown): number | undefined {
  if (!(error instanceof TpmRefusal)) return undefined;
  const index = error.responseCode - 0x918;
  return index >= 0 && index < 3 ? index : undefined;
}
