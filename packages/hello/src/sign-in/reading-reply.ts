import { CountersignError } from '@countersign/core';

/** Runs a parser on what a KDC sent. @throws CountersignError `KDC_REPLY_MALFORMED` in place of what the parser finds */
export function readingReply<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof CountersignError) || error.code.startsWith('KDC_')) throw error;
    throw new CountersignError(
      'KDC_REPLY_MALFORMED',
      `the reply is not one of a KDC: ${error.message}`,
      'Check that a KDC listens there, and that nothing alters replies on their way.',
      { cause: error },
    );
  }
}
