import { CountersignError } from '../errors.ts';
import type { KeyProvider } from '../keys/key-provider.ts';
import type { KeyRecord } from './key-record.ts';

/** Where a key is: with this provider, gone from it, or in a place that this provider does not have. */
export async function seek(provider: KeyProvider, ref: string): Promise<'found' | 'gone' | 'elsewhere'> {
  try {
    await provider.open(ref);
    return 'found';
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    if (error.code === 'KEY_NOT_FOUND') return 'gone';
    if (error.code === 'KEY_HELD_ELSEWHERE' || error.code === 'TOKEN_NOT_PRESENT') return 'elsewhere';
    throw error;
  }
}

/** @throws CountersignError `KEY_STORE_DAMAGED` if the key is still found */
export async function assertGone(provider: KeyProvider, ref: string): Promise<void> {
  if ((await seek(provider, ref)) === 'gone') return;
  throw new CountersignError(
    'KEY_STORE_DAMAGED',
    `the provider reported the key ${ref} destroyed and still finds it`,
    'Treat the key as alive: revoke its certificates, and have the provider looked at.',
  );
}

/** The record of a key that is gone. */
export function destroyed(record: KeyRecord, at: Date, reason: string, destruction: string): KeyRecord {
  return { ...record, history: record.history.moveTo('destroyed', at, reason), destruction };
}
