import { CountersignError } from '@countersign/core';
import * as ck from './cryptoki.ts';

/**
 * All that PKCS #11 says of a token's tries: `count-low` after a wrong PIN, `final-try` when one more locks it. How many
 * there are in all it does not say.
 */
export type PinState = 'untouched' | 'count-low' | 'final-try' | 'locked';

/** @param flags of CK_TOKEN_INFO */
export function pinStateOf(flags: number): PinState {
  if ((flags & ck.CKF_USER_PIN_LOCKED) !== 0) return 'locked';
  if ((flags & ck.CKF_USER_PIN_FINAL_TRY) !== 0) return 'final-try';
  return (flags & ck.CKF_USER_PIN_COUNT_LOW) === 0 ? 'untouched' : 'count-low';
}

/** The least number of wrong PINs that the token will still take. */
export function leastRetriesLeft(state: PinState): number {
  switch (state) {
    case 'locked':
      return 0;
    case 'final-try':
      return 1;
    case 'count-low':
    case 'untouched':
      return 2;
  }
}

/**
 * Whether a PIN may be tried at all.
 * @throws CountersignError `TOKEN_NOT_INITIALIZED`, `PIN_LOCKED`, `PIN_FINAL_TRY`
 */
export function assertPinMayBeTried(flags: number, label: string, allowFinalTry: boolean): void {
  if ((flags & ck.CKF_TOKEN_INITIALIZED) === 0 || (flags & ck.CKF_USER_PIN_INITIALIZED) === 0) {
    throw new CountersignError(
      'TOKEN_NOT_INITIALIZED',
      `the token ${JSON.stringify(label)} has no user PIN yet`,
      'Set one as security officer, for example with: pkcs11-tool --init-pin',
    );
  }
  const state = pinStateOf(flags);
  if (state === 'locked') {
    throw new CountersignError(
      'PIN_LOCKED',
      `the user PIN of the token ${JSON.stringify(label)} is locked after too many wrong ones`,
      'Have the security officer set a new user PIN (C_InitPIN), for example with: pkcs11-tool --init-pin',
    );
  }
  if (state === 'final-try' && !allowFinalTry) {
    throw new CountersignError(
      'PIN_FINAL_TRY',
      `the token ${JSON.stringify(label)} takes one more PIN: if that is wrong, it locks. The PIN was not tried`,
      'Make sure of the PIN, then create the provider with allowFinalPinTry.',
    );
  }
}

/** What to say after a wrong PIN, from the flags that the token shows then. */
export function pinIncorrect(state: PinState | undefined, cause: unknown): CountersignError {
  const outlook = {
    locked: 'and the PIN is now locked',
    'final-try': 'and one more wrong PIN locks the token',
    'count-low': 'and the token says that few tries are left',
    untouched: 'and the token does not say how many tries are left',
  };
  return new CountersignError(
    'PIN_INCORRECT',
    `C_Login returned CKR_PIN_INCORRECT: the PIN is wrong, ${outlook[state ?? 'untouched']}`,
    state === 'locked'
      ? 'Have the security officer set a new user PIN.'
      : 'Give the right PIN; every wrong one counts.',
    { cause },
  );
}
