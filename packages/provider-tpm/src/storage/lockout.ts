import { CountersignError } from '@countersign/core';
import { getProperties } from '../command/get-capability.ts';
import type { CommandChannel } from '../command/run-command.ts';
import { TpmRefusal } from '../session/index.ts';

/** What the TPM says of wrong authValues: one count for all keys that are protected against guessing. */
export interface LockoutState {
  readonly locked: boolean;
  /** Wrong authValues until the TPM locks. */
  readonly triesLeft: number;
  readonly maxTries: number;
  /** After which one failure is forgotten; 0: none ever is. */
  readonly recoverySeconds: number;
}

/** TPM_PT. Nothing authenticates these answers; the TPM itself decides. */
export async function readLockoutState(channel: CommandChannel): Promise<LockoutState> {
  const properties = await getProperties(channel, 0x200);
  const permanent = properties.get(0x200) ?? 0;
  const failures = properties.get(0x20e) ?? 0;
  const maxTries = properties.get(0x20f) ?? 0;
  const locked = ((permanent >>> 9) & 1) === 1 || (maxTries > 0 && failures >= maxTries);
  return {
    locked,
    triesLeft: locked ? 0 : Math.max(0, maxTries - failures),
    maxTries,
    recoverySeconds: properties.get(0x210) ?? 0,
  };
}

/** @throws CountersignError `PIN_LOCKED`, `PIN_FINAL_TRY` */
export function assertPinMayBeTried(state: LockoutState, allowFinalTry: boolean): void {
  if (state.locked) throw pinLocked(state);
  if (state.triesLeft > 1 || allowFinalTry || state.maxTries <= 1) return;
  throw new CountersignError(
    'PIN_FINAL_TRY',
    'one more wrong PIN locks the TPM for all keys that are guarded against guessing; the PIN was not tried',
    `Be sure of the PIN, then use a provider made with allowFinalPinTry. ${healing(state)}`,
  );
}

/** What a refusal says of the PIN that was given, or undefined if it speaks of something else. */
export function pinRefusal(error: unknown, state: LockoutState): CountersignError | undefined {
  if (!(error instanceof TpmRefusal)) return undefined;
  if (error.responseCode === lockoutCode) return pinLocked(state, error);
  if (!isAuthFailure(error.responseCode)) return undefined;
  if (state.locked) return pinLocked(state, error);
  return new CountersignError(
    'PIN_INCORRECT',
    `the PIN is wrong; ${state.triesLeft} of ${state.maxTries} tries are left before the TPM locks`,
    `Give the right PIN. ${healing(state)}`,
    { cause: error },
  );
}

export function speaksOfPin(error: unknown): boolean {
  return (
    error instanceof TpmRefusal && (error.responseCode === lockoutCode || isAuthFailure(error.responseCode))
  );
}

/** TPM_RC_LOCKOUT. */
const lockoutCode = 0x921;

/** TPM_RC_AUTH_FAIL, TPM_RC_BAD_AUTH, for whichever session. */
function isAuthFailure(responseCode: number): boolean {
  const base = responseCode & 0x0bf;
  return responseCode < 0x1000 && (base === 0x08e || base === 0x0a2);
}

function pinLocked(state: LockoutState, cause?: unknown): CountersignError {
  return new CountersignError(
    'PIN_LOCKED',
    'the TPM takes no PIN after too many wrong ones',
    state.recoverySeconds === 0
      ? 'Have the TPM’s administrator reset the lock: tpm2_dictionarylockout --clear-lockout'
      : `Try again in ${state.recoverySeconds} seconds at the latest, when the TPM has forgotten one, or have its administrator reset the lock: tpm2_dictionarylockout --clear-lockout`,
    { cause },
  );
}

function healing({ recoverySeconds }: LockoutState): string {
  return recoverySeconds === 0
    ? 'The TPM forgets wrong ones only when its administrator resets the count.'
    : `The TPM forgets one wrong PIN every ${recoverySeconds} seconds.`;
}
