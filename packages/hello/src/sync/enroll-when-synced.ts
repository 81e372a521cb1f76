import { setTimeout as sleep } from 'node:timers/promises';
import { CountersignError } from '@countersign/core';
import { nextEnrollmentRetry, type EnrollmentRetry } from './enrollment-retry.ts';

export interface EnrollWhenSyncedOptions {
  /** Told before each wait, and when there is no other attempt. */
  readonly onRetry?: (retry: EnrollmentRetry) => void;
  /** Ends a wait. */
  readonly signal?: AbortSignal;
  /** Waits for so many milliseconds; by the system's clock if absent. */
  readonly wait?: (delayMs: number, signal: AbortSignal | undefined) => Promise<void>;
}

/**
 * Enrolls without a key receipt: tries at once, and at the times of `enrollmentRetryMinutes` as long as the key has not
 * been synced.
 * @param enroll one attempt
 * @throws CountersignError what `enroll` throws: `KEY_NOT_SYNCED` only after the last attempt; the signal's reason
 */
export async function enrollWhenSynced<T>(
  enroll: () => Promise<T>,
  options: EnrollWhenSyncedOptions = {},
): Promise<T> {
  const { onRetry, signal, wait = waitBySystemClock } = options;
  for (let attempts = 1; ; attempts++) {
    try {
      return await enroll();
    } catch (error) {
      if (!(error instanceof CountersignError) || error.code !== 'KEY_NOT_SYNCED') throw error;
      const retry = nextEnrollmentRetry(attempts);
      onRetry?.(retry);
      if (retry.kind === 'given-up') throw error;
      await wait(retry.delayMs, signal);
    }
  }
}

async function waitBySystemClock(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(delayMs, undefined, signal === undefined ? {} : { signal });
}
