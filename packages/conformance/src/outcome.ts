import type { ConformanceOutcome } from './conformance-result.ts';
import type { ConformanceTarget } from './conformance-target.ts';
import { Interrupted } from './deadline.ts';
import { describeError, Deviation, NotSupported, Skipped } from './deviation.ts';

/**
 * Makes a typed outcome of how a case ended.
 * @throws Interrupted
 */
export async function outcomeOf(
  target: ConformanceTarget,
  work: () => Promise<void>,
): Promise<ConformanceOutcome> {
  try {
    await work();
    return { kind: 'pass' };
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    if (error instanceof NotSupported) return { kind: 'not-supported', reason: error.message };
    if (error instanceof Skipped) return { kind: 'skipped', reason: error.message };
    return failure(target, error);
  }
}

function failure(target: ConformanceTarget, error: unknown): ConformanceOutcome {
  const redact = redactionOf(target);
  const stack = error instanceof Error ? redact(error.stack ?? '') : undefined;
  const { expected, found } =
    error instanceof Deviation
      ? error
      : { expected: 'the case to run to its end', found: describeError(error) };
  return { kind: 'fail', expected: redact(expected), found: redact(found), stack };
}

/** A provider that puts PINs into its errors must not have the report carry them on. */
function redactionOf({ pin, wrongPin, otherPin }: ConformanceTarget): (text: string) => string {
  const secrets = [pin, wrongPin, otherPin].flatMap((each) =>
    each === undefined || each.length === 0 ? [] : [Buffer.from(each).toString('utf8')],
  );
  return (text) => secrets.reduce((redacted, secret) => redacted.replaceAll(secret, '[PIN]'), text);
}
