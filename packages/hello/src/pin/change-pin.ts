import { CountersignError, isPinProtected, type Key, type PinProtected } from '@countersign/core';
import { checkPin } from './check-pin.ts';
import { isSamePin } from './entered-twice.ts';
import type { PinHistory } from './pin-history.ts';
import type { PinPolicy } from './pin-policy.ts';

export interface PinChange {
  readonly key: Key;
  /** The caller wipes both. */
  readonly currentPin: Uint8Array;
  readonly newPin: Uint8Array;
  readonly policy: PinPolicy;
  readonly history: PinHistory;
  readonly clock?: () => Date;
}

/**
 * Changes the PIN of a key as the policy wants it. Cut off at any moment, the old PIN holds or the new one does, and the
 * history forbids no more than it should; asked again with the same PINs, the change is finished. The key ends as locked
 * or unlocked as it was.
 * @throws CountersignError `PIN_INVALID` if the new PIN is not permitted, or the same; `PIN_INCORRECT`, `PIN_LOCKED`
 *   and the like for the current one; `PIN_REQUIRED` for a key that has none
 */
export async function changePin(change: PinChange): Promise<void> {
  const key = requirePin(change.key);
  checkPin(change.newPin, change.policy);
  if (isSamePin(change.currentPin, change.newPin)) {
    throw new CountersignError('PIN_INVALID', 'the new PIN is the current one', 'Choose another.');
  }
  const wasLocked = key.locked;
  try {
    await changeUnlocked(key, change);
  } finally {
    if (wasLocked) key.lock();
  }
}

async function changeUnlocked(key: Key & PinProtected, change: PinChange): Promise<void> {
  const { currentPin, newPin, policy, history, clock = () => new Date() } = change;
  if ((await unlockWithEither(key, change)) === 'new') {
    await history.settle(newPin, policy);
    return;
  }
  await history.settle(currentPin, policy);
  // Only now: who does not know the PIN learns nothing of earlier ones.
  await history.assertNotUsed(newPin, policy);
  await history.announce(newPin, clock());
  try {
    await key.changePin(currentPin, newPin);
  } catch (error) {
    await forgetIfRefused(key, change);
    throw error;
  }
  await history.settle(newPin, policy);
}

/** Which PIN holds. The new one does if a change to it was cut off after the key had taken it. */
async function unlockWithEither(
  key: Key & PinProtected,
  { currentPin, newPin, history }: PinChange,
): Promise<'current' | 'new'> {
  try {
    await key.unlock(currentPin);
    return 'current';
  } catch (error) {
    const isIncorrect = error instanceof CountersignError && error.code === 'PIN_INCORRECT';
    if (!isIncorrect || !(await history.isAnnounced(newPin))) throw error;
    await key.unlock(newPin);
    return 'new';
  }
}

/** What the provider threw may have come before or after the change. Where the old PIN still opens the key, it was before. */
async function forgetIfRefused(
  key: Key & PinProtected,
  { currentPin, policy, history }: PinChange,
): Promise<void> {
  key.lock();
  const holds = await key.unlock(currentPin).then(
    () => true,
    // The announcement stays, for the next change to settle; the error that matters is the provider's.
    () => false,
  );
  if (holds) await history.settle(currentPin, policy);
}

function requirePin(key: Key): Key & PinProtected {
  if (isPinProtected(key)) return key;
  throw new CountersignError(
    'PIN_REQUIRED',
    `the key ${key.ref} was made without a PIN, so that there is none to change`,
    'Provision a key with a PIN.',
  );
}
