import { CountersignError } from '@countersign/core';

/** That a user proved to be who they say with a second factor. */
export interface MultiFactorProof {
  readonly upn: string;
  /** How, in the words of RFC 8176: `otp`, or what a verifier of one's own calls itself. */
  readonly method: string;
  readonly at: Date;
}

/** A way to have a user prove who they are: TOTP here, or whatever a deployment has. */
export interface MultiFactorVerifier {
  /**
   * @param answer what the user entered or brought; wiped by the caller
   * @throws CountersignError `MFA_FAILED`: the user may try again, and nothing else has happened
   */
  verify(upn: string, answer: Uint8Array): Promise<MultiFactorProof>;
}

/**
 * A verifier by callback.
 * @param check whether the answer is right; what it throws counts as no
 * @param timeoutMs after which nobody waits for it any more
 * @throws of `verify`: CountersignError `MFA_FAILED`, `MFA_TIMED_OUT`
 */
export function customVerifier(
  method: string,
  check: (upn: string, answer: Uint8Array, signal: AbortSignal) => Promise<boolean>,
  { timeoutMs = 60_000, clock = () => new Date() }: { timeoutMs?: number; clock?: () => Date } = {},
): MultiFactorVerifier {
  return {
    verify: async (upn, answer) => {
      const limit = AbortSignal.timeout(timeoutMs);
      const isRight = await unlessAborted(check(upn, answer, limit), limit, timeoutMs);
      if (isRight) return { upn, method, at: clock() };
      throw mfaFailed(`the ${method} of ${upn} was not accepted`, 'Try again.');
    },
  };
}

/** How old a proof may be when a key is registered on it (AD FS and the cloud ask for ten minutes). */
export const maxProofAgeMs = 10 * 60 * 1000;

/** @throws CountersignError `MFA_FAILED` if the proof is another user's, from the future, or more than ten minutes old */
export function assertFresh(proof: MultiFactorProof, upn: string, now: Date): void {
  const ageMs = now.getTime() - proof.at.getTime();
  if (proof.upn.toLowerCase() !== upn.toLowerCase()) {
    throw mfaFailed(`the proof is of ${proof.upn}, not of ${upn}`, `Have ${upn} authenticate.`);
  }
  // Written so that an invalid time counts as too old.
  if (ageMs >= 0 && ageMs <= maxProofAgeMs) return;
  throw mfaFailed(
    `the proof of ${proof.upn} is of ${String(proof.at.getTime())} (Unix time in milliseconds); expected one of the last ten minutes`,
    'Authenticate again.',
  );
}

export function mfaFailed(found: string, hint: string, cause?: unknown): CountersignError {
  return new CountersignError('MFA_FAILED', found, hint, { cause });
}

async function unlessAborted(
  work: Promise<boolean>,
  limit: AbortSignal,
  timeoutMs: number,
): Promise<boolean> {
  const late = new Promise<never>((_, reject) => {
    limit.addEventListener('abort', () => {
      reject(
        new CountersignError(
          'MFA_TIMED_OUT',
          `the second factor was not given within ${timeoutMs} ms`,
          'Try again.',
        ),
      );
    });
  });
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    if (error instanceof CountersignError) throw error;
    throw mfaFailed('the second factor could not be checked', 'Try again.', error);
  }
}
