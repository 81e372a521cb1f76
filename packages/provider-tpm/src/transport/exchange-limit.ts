import { CountersignError } from '@countersign/core';
import { cancelled, timedOut } from './transport-errors.ts';
import { defaultTimeoutMs, type ExchangeOptions } from './tpm-transport.ts';

/** The longest that a timer of Node can be set to. */
const maxTimeoutMs = 0x7fff_ffff;

/**
 * Runs work under a signal that aborts, with the CountersignError to throw as its reason, when the time is up, when the
 * caller's own signal aborts, or when `stop` does.
 */
export async function withinLimit<T>(
  description: string,
  options: ExchangeOptions,
  stop: AbortSignal,
  work: (limit: AbortSignal) => Promise<T>,
): Promise<T> {
  const timeoutMs = checkTimeout(options.timeoutMs ?? defaultTimeoutMs);
  const limit = new AbortController();
  const onCancel = () => limit.abort(cancelled(description, options.signal?.reason));
  const onStop = () => limit.abort(stop.reason);
  if (options.signal?.aborted === true) throw cancelled(description, options.signal.reason);
  const timer = setTimeout(() => limit.abort(timedOut(description, timeoutMs)), timeoutMs);
  options.signal?.addEventListener('abort', onCancel);
  stop.addEventListener('abort', onStop);
  try {
    return await work(limit.signal);
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', onCancel);
    stop.removeEventListener('abort', onStop);
  }
}

/** The promise's outcome, or the signal's reason if it aborts first; the outcome is then heeded by nobody. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort);
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function checkTimeout(timeoutMs: number): number {
  if (Number.isInteger(timeoutMs) && timeoutMs > 0 && timeoutMs <= maxTimeoutMs) return timeoutMs;
  throw new CountersignError(
    'VALUE_OUT_OF_RANGE',
    `timeoutMs is ${timeoutMs}, and a whole number of milliseconds from 1 to ${maxTimeoutMs} was expected`,
    'Leave timeoutMs out for five minutes.',
  );
}
