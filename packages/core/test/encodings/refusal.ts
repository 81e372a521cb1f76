import { CountersignError, type ErrorCode } from '@countersign/core';

/** The refusal that the work ends in; a test fails if it does not end in one. */
export function refusal(work: () => unknown): CountersignError {
  const outcome = attempt(work);
  if (outcome instanceof CountersignError) return outcome;
  throw new Error('a refusal was expected, the work was done');
}

/** What the work returns, or its refusal. Any other exception is a defect and goes on. */
export function attempt<T>(work: () => T): T | CountersignError {
  try {
    return work();
  } catch (error) {
    if (error instanceof CountersignError) return error;
    throw error;
  }
}

/** The code of the refusal, or `taken` where there was none. */
export function verdict(work: () => unknown): ErrorCode | 'taken' {
  const outcome = attempt(work);
  return outcome instanceof CountersignError ? outcome.code : 'taken';
}
