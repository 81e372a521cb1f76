import { isUtf8 } from 'node:buffer';
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { CountersignError } from '@countersign/core';

/**
 * The text that pkcs11js wants. A JavaScript string cannot be wiped, so it is made for one call and kept nowhere.
 * @throws CountersignError `PIN_INVALID` if the octets are not UTF-8
 */
export function pinText(pin: Uint8Array): string {
  if (isUtf8(pin)) return Buffer.from(pin.buffer, pin.byteOffset, pin.length).toString('utf8');
  throw new CountersignError('PIN_INVALID', 'the PIN is not UTF-8 text', 'Give the PIN as UTF-8.');
}

/** Recognizes a PIN that was right before without keeping it: a MAC under a key that lives as long as the login. */
export class PinFingerprint {
  readonly #key = randomBytes(32);
  readonly #mac: Buffer;

  constructor(pin: Uint8Array) {
    this.#mac = this.#macOf(pin);
  }

  matches(pin: Uint8Array): boolean {
    return timingSafeEqual(this.#macOf(pin), this.#mac);
  }

  #macOf(pin: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(pin).digest();
  }
}

/**
 * Reads the PIN from the file that a `pin-source` names (RFC 7512 2.4), without the line end that editors add.
 * @throws CountersignError `FILE_UNREADABLE`
 */
export async function withPinFrom<T>(source: string, work: (pin: Uint8Array) => T): Promise<T> {
  let contents: Buffer;
  try {
    contents = await readFile(source);
  } catch (cause) {
    throw new CountersignError(
      'FILE_UNREADABLE',
      `the pin-source ${source} cannot be read`,
      'Give the path of a file that holds the PIN and that only this program’s user can read.',
      { cause },
    );
  }
  try {
    let end = contents.length;
    if (contents[end - 1] === 0x0a) end -= 1;
    if (contents[end - 1] === 0x0d) end -= 1;
    return work(contents.subarray(0, end));
  } finally {
    contents.fill(0);
  }
}

/** The caller may wipe its buffer as soon as the call returns, so work goes on with a copy, wiped at the end. */
export async function withCopy<T>(pin: Uint8Array, work: (copy: Uint8Array) => T | Promise<T>): Promise<T> {
  const copy = Uint8Array.from(pin);
  try {
    return await work(copy);
  } finally {
    copy.fill(0);
  }
}
