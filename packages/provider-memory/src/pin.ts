import { isUtf8 } from 'node:buffer';
import { CountersignError } from '@countersign/core';

const minimumCharacters = 4;
const maximumCharacters = 127;

/**
 * Accepts a new PIN of 4 to 127 characters. It is never decoded: a JavaScript string cannot be wiped.
 * @throws CountersignError `PIN_INVALID`
 */
export function checkNewPin(pin: Uint8Array): void {
  if (!isUtf8(pin)) throw invalid('the PIN is not UTF-8 text');
  const characters = countCharacters(pin);
  if (characters < minimumCharacters)
    throw invalid(`the PIN is shorter than ${minimumCharacters} characters`);
  if (characters > maximumCharacters) throw invalid(`the PIN is longer than ${maximumCharacters} characters`);
}

/** Code points: every byte of UTF-8 begins one, except 10xxxxxx (RFC 3629 section 3). */
function countCharacters(utf8: Uint8Array): number {
  let count = 0;
  for (const byte of utf8) if ((byte & 0xc0) !== 0x80) count += 1;
  return count;
}

function invalid(found: string): CountersignError {
  return new CountersignError(
    'PIN_INVALID',
    found,
    `Choose a PIN of ${minimumCharacters} to ${maximumCharacters} characters.`,
  );
}
