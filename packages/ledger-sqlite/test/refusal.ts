import { CountersignError, type ErrorCode } from '@countersign/core';
import { expect } from 'vitest';

/** Waits for the refusal of that code and returns it for a closer look. */
export async function refusal(work: Promise<unknown>, code: ErrorCode): Promise<CountersignError> {
  const error: unknown = await work.then(
    () => new Error(`nothing was refused, ${code} was expected`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof CountersignError)) {
    throw error;
  }
  expect(error.code, error.message).toBe(code);
  expect(error.hint).not.toBe('');
  return error;
}
