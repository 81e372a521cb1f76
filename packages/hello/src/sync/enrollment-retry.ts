/**
 * When Windows asks for the certificate again while the key has not been synced: minutes after the registration, as long
 * as the user stays signed in.
 */
export const enrollmentRetryMinutes = [24, 85, 145, 205, 265, 480] as const;

export type EnrollmentRetry =
  | {
      readonly kind: 'retry';
      /** Counted from the registration of the key. */
      readonly minutesAfterRegistration: number;
      /** Counted from the attempt before. */
      readonly delayMs: number;
      /** For people. */
      readonly text: string;
    }
  | { readonly kind: 'given-up'; readonly text: string };

/**
 * What follows on attempts that failed because the key was not synced yet.
 * @param attempts how many there were; the first is made right after the registration
 */
export function nextEnrollmentRetry(attempts: number): EnrollmentRetry {
  const minutes = enrollmentRetryMinutes[attempts - 1];
  if (minutes === undefined) {
    return {
      kind: 'given-up',
      text: `The key was not synced in time: ${attempts} attempts failed, the last ${enrollmentRetryMinutes.at(-1)} minutes after its registration. The next attempt follows about 30 minutes after the next sign-in.`,
    };
  }
  const before = enrollmentRetryMinutes[attempts - 2] ?? 0;
  return {
    kind: 'retry',
    minutesAfterRegistration: minutes,
    delayMs: (minutes - before) * 60_000,
    text: `The key is registered and not synced yet. Attempt ${attempts + 1} follows ${minutes} minutes after its registration, in ${minutes - before} minutes.`,
  };
}

/** All of them, for people: what a refusal says. */
export function describeEnrollmentRetries(): string {
  const [last, ...before] = enrollmentRetryMinutes.toReversed();
  return `Windows tries again ${before.toReversed().join(', ')} and ${last} minutes after the registration.`;
}
