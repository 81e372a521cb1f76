import { CountersignError, type ErrorCode } from '@countersign/core';

export function isRefusal(error: unknown, code: ErrorCode): error is CountersignError {
  return error instanceof CountersignError && error.code === code;
}

/** Lets one refusal pass for success. */
export function unless(code: ErrorCode): (error: unknown) => undefined {
  return (error) => {
    if (!isRefusal(error, code)) throw error;
    return undefined;
  };
}

/** The same work, with one refusal under another code. */
export function recoded<Given extends unknown[], Result>(
  work: (...given: Given) => Promise<Result>,
  from: ErrorCode,
  to: ErrorCode,
): (...given: Given) => Promise<Result> {
  return async (...given) => {
    try {
      return await work(...given);
    } catch (error) {
      throw isRefusal(error, from) ? new CountersignError(to, error.message, error.hint) : error;
    }
  };
}
