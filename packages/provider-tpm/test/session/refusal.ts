import { CountersignError } from '@countersign/core';

/** The refusal that the work ends in; a test fails if it does not end in one. */
export async function refusal(work: () => unknown): Promise<CountersignError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof CountersignError) return error;
    throw error;
  }
  throw new Error('a refusal was expected, the work was done');
}
