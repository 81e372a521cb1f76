import { CountersignError, type ErrorCode } from '../errors.ts';

/** The refusal of an attestation, with the code that AD CS has for any of them (MS-WCCE 3.2.2.6.2.1.4.5.7). */
export function attestationRefused(
  code: Extract<ErrorCode, `ATTESTATION_${string}`>,
  found: string,
  hint: string,
  cause?: unknown,
): CountersignError {
  return new CountersignError(code, found, hint, { adcs: 'CERTSRV_E_KEY_ATTESTATION', cause });
}

/** The refusal of an endorsement key or its certificate. */
export function endorsementRefused(
  code: Extract<ErrorCode, `EK_${string}`>,
  found: string,
  hint: string,
  cause?: unknown,
): CountersignError {
  return new CountersignError(code, found, hint, { adcs: 'CERTSRV_E_INVALID_EK', cause });
}
