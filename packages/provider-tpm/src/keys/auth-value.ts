import { isUtf8 } from 'node:buffer';
import { CountersignError } from '@countersign/core';

const minimumBytes = 4;
/** As long as the digest of the key's name algorithm, SHA-256 (TPM 2.0 part 1, 19.6.4.2). */
const maximumBytes = 32;

/**
 * A new PIN, as the authValue of a key: its UTF-8 as it is, as other TPM programs take passwords.
 * @throws CountersignError `PIN_INVALID`
 */
export function assertNewPin(pin: Uint8Array): void {
  if (!isUtf8(pin)) throw invalid('the PIN is not UTF-8 text');
  if (pin.length < minimumBytes) throw invalid(`the PIN is shorter than ${minimumBytes} octets`);
  if (pin.length > maximumBytes) throw invalid(`the PIN is longer than ${maximumBytes} octets`);
  if (pin.at(-1) === 0) throw invalid('the PIN ends with a NUL, which TPMs cut off');
}

/** A PIN to be tried: one that no key can have is not worth one of the tries. @throws CountersignError `PIN_INVALID` */
export function assertPossiblePin(pin: Uint8Array): void {
  if (pin.length === 0) throw invalid('the PIN is empty');
  if (pin.length > maximumBytes)
    throw invalid(`the PIN is longer than ${maximumBytes} octets, which none here is`);
}

function invalid(found: string): CountersignError {
  return new CountersignError(
    'PIN_INVALID',
    found,
    `Choose a PIN of ${minimumBytes} to ${maximumBytes} octets of UTF-8.`,
  );
}
