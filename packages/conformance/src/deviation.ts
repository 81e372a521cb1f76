import type { CountersignError, ErrorCode } from '@countersign/core';

/** A provider does something else than it should. */
export class Deviation extends Error {
  override readonly name = 'Deviation';
  readonly expected: string;
  readonly found: string;

  constructor(expected: string, found: string, cause?: unknown) {
    super(`expected ${expected}; found ${found}`, { cause });
    this.expected = expected;
    this.found = found;
  }
}

/** A provider says that it does not have what a case is about. */
export class NotSupported extends Error {
  override readonly name = 'NotSupported';
}

/** A case is not tried. */
export class Skipped extends Error {
  override readonly name = 'Skipped';
}

export function check(condition: boolean, expected: string, found: string): asserts condition {
  if (!condition) throw new Deviation(expected, found);
}

export function checkSame(expected: Uint8Array, found: Uint8Array, what: string): void {
  if (Buffer.compare(expected, found) === 0) return;
  throw new Deviation(`${what} to be ${shortHex(expected)}`, shortHex(found));
}

/**
 * The refusal that the work ends in.
 * @param what the work, for the report, such as `open of a destroyed key`
 */
export async function expectRefusal(
  codes: readonly ErrorCode[],
  what: string,
  work: () => unknown,
): Promise<CountersignError> {
  const expected = `${what} to be refused with ${codes.join(' or ')}`;
  let error: unknown;
  try {
    await work();
  } catch (thrown) {
    error = thrown;
  }
  if (error === undefined) throw new Deviation(expected, 'it was done');
  if (!isCountersignError(error)) {
    throw new Deviation(expected, `what is no CountersignError: ${describeError(error)}`, error);
  }
  if (!codes.includes(error.code)) throw new Deviation(expected, describeError(error), error);
  return error;
}

/** By its shape, as a provider may have brought a copy of core of its own. */
export function isCountersignError(error: unknown): error is CountersignError {
  return (
    error instanceof Error &&
    error.name === 'CountersignError' &&
    'code' in error &&
    typeof error.code === 'string' &&
    'hint' in error &&
    typeof error.hint === 'string'
  );
}

export function describeError(error: unknown): string {
  if (isCountersignError(error)) return `${error.code}: ${error.message}`;
  if (error instanceof Error) return `${error.name}: ${error.message}`;
  return `a thrown ${typeof error}`;
}

export function shortHex(octets: Uint8Array): string {
  const hex = Buffer.from(octets.subarray(0, 24)).toString('hex');
  return octets.length > 24 ? `${hex}… (${octets.length} octets)` : `${hex} (${octets.length} octets)`;
}
