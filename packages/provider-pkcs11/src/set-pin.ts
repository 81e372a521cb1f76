import { pinText } from './pin.ts';
import { assertPinMayBeTried, pinIncorrect, pinStateOf } from './pin-state.ts';
import type { TokenConnection } from './token-connection.ts';
import { call, hasReturnValue } from './token-error.ts';
import { CountersignError } from '@countersign/core';

/**
 * Changes the token's user PIN (C_SetPIN), which is that of all its keys. A wrong current PIN counts as a try.
 * @throws CountersignError `PIN_INVALID`, `PIN_INCORRECT`, `PIN_LOCKED`, `PIN_FINAL_TRY`
 */
export async function setPin(
  connection: TokenConnection,
  currentPin: Uint8Array,
  newPin: Uint8Array,
  allowFinalTry: boolean,
): Promise<void> {
  const { info } = connection.present();
  assertLength(newPin, info.minPinLen, info.maxPinLen);
  assertPinMayBeTried(info.flags, info.label, allowFinalTry);
  const current = pinText(currentPin);
  const replacement = pinText(newPin);
  await connection.run('read-write', (session) => {
    try {
      call('C_SetPIN', () => session.setPin(current, replacement));
    } catch (error) {
      if (!hasReturnValue(error, 'CKR_PIN_INCORRECT')) throw error;
      throw pinIncorrect(pinStateOf(connection.present().info.flags), error);
    }
  });
  connection.login.pinChanged(newPin);
}

/** In octets, as CK_TOKEN_INFO counts. */
function assertLength(pin: Uint8Array, minimum: number, maximum: number): void {
  const tooShort = pin.length < minimum || pin.length === 0;
  if (!tooShort && (maximum === 0 || pin.length <= maximum)) return;
  throw new CountersignError(
    'PIN_INVALID',
    `the new PIN is ${tooShort ? 'shorter' : 'longer'} than the token takes`,
    `Choose a PIN of ${minimum} to ${maximum} octets.`,
  );
}
