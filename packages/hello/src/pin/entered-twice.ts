import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { CountersignError } from '@countersign/core';

/**
 * Takes a new PIN that was entered twice, in a time that tells neither where the entries differ nor whether their lengths do.
 * @throws CountersignError `PIN_INVALID` if they differ
 */
export function assertEnteredAlike(first: Uint8Array, second: Uint8Array): void {
  if (isSamePin(first, second)) return;
  throw new CountersignError(
    'PIN_INVALID',
    'the two entries of the new PIN differ',
    'Enter the new PIN again, twice the same. Nothing was changed.',
  );
}

export function isSamePin(one: Uint8Array, other: Uint8Array): boolean {
  // MACs under a key of the moment are of one length, and say nothing of where the first difference is.
  const key = randomBytes(32);
  const macOf = (pin: Uint8Array): Buffer => createHmac('sha256', key).update(pin).digest();
  return timingSafeEqual(macOf(one), macOf(other));
}
