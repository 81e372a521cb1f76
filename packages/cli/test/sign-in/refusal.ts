import { CountersignError, type ErrorCode } from '@countersign/core';
import { expect } from 'vitest';

/** The refusal that the work ends in, which must have this code, a message and a hint. */
export async function refusal(work: Promise<unknown>, code: ErrorCode): Promise<CountersignError> {
  const error: unknown = await work.then(
    () => new Error('a refusal was expected, the work was done'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof CountersignError)) throw error;
  expect(error.code).toBe(code);
  expect(error.message).not.toBe('');
  expect(error.hint).not.toBe('');
  return error;
}
