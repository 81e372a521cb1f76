import { CountersignError } from '@countersign/core';

export function unreachable(description: string, problem: string, cause?: unknown): CountersignError {
  return new CountersignError(
    'TPM_UNREACHABLE',
    `${description} cannot be reached: ${problem}`,
    'See that the TPM or its simulator runs and listens there. Objects and sessions that were loaded may be gone.',
    { cause },
  );
}

export function malformedReply(description: string, problem: string): CountersignError {
  return new CountersignError(
    'TPM_REPLY_MALFORMED',
    `${description} gave no sound response: ${problem}`,
    'Something between here and the TPM damages responses, or what listens there is no TPM. The command may have been carried out.',
  );
}

export function versionNotSupported(description: string, evidence: string): CountersignError {
  return new CountersignError(
    'TPM_VERSION_NOT_SUPPORTED',
    `${description} is a TPM 1.2, and a TPM 2.0 is needed: ${evidence}`,
    'Switch the TPM to 2.0 in the firmware set-up if it can be both, or keep the key elsewhere.',
  );
}

export function timedOut(description: string, timeoutMs: number, cause?: unknown): CountersignError {
  return new CountersignError(
    'TPM_TIMEOUT',
    `${description} gave no response within ${timeoutMs} ms`,
    'The TPM may still carry the command out. Allow more time: making an RSA key takes some TPMs more than 20 s.',
    { cause },
  );
}

export function cancelled(description: string, reason: unknown): CountersignError {
  return new CountersignError(
    'TPM_CANCELLED',
    `the caller took the command back before ${description} answered`,
    'The TPM may have carried the command out all the same.',
    { cause: reason },
  );
}

export function closedTransport(description: string): CountersignError {
  return new CountersignError(
    'PROVIDER_CLOSED',
    `the connection to ${description} has been closed`,
    'Open it again.',
  );
}

export function commandUnderWay(description: string): CountersignError {
  return new CountersignError(
    'TPM_BUSY',
    `${description} is at work on another command of this transport`,
    'Send commands through a TpmCommandQueue, which has them wait for each other.',
  );
}

export function deviceBusy(description: string, problem: string, cause?: unknown): CountersignError {
  return new CountersignError(
    'TPM_BUSY',
    `${description} is in use by another program: ${problem}`,
    'Use /dev/tpmrm0, which programs share, or end the other program (a TPM resource manager such as tpm2-abrmd, or another client of the simulator).',
    { cause },
  );
}
