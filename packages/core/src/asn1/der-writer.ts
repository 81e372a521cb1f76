import { CountersignError } from '../errors.ts';
import { encodeOid } from './object-identifier.ts';
import { encodeBmpString, encodeIa5String, encodeUtf8String, isPrintableString } from './strings.ts';
import { contextConstructed, contextPrimitive, tag } from './tag.ts';
import { encodeGeneralizedTime, encodeTime } from './time.ts';

/** Writers of DER (X.690). Each returns one whole element; parts are elements that are already encoded. */

export function element(identifier: number, ...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const lengthOctets =
    length < 0x80 ? 1 : length < 0x100 ? 2 : length < 0x10000 ? 3 : length < 0x1000000 ? 4 : 5;
  const bytes = new Uint8Array(1 + lengthOctets + length);
  bytes[0] = identifier;
  if (lengthOctets === 1) {
    bytes[1] = length;
  } else {
    bytes[1] = 0x80 | (lengthOctets - 1);
    for (let i = lengthOctets, rest = length; i > 1; i--, rest >>>= 8) bytes[i] = rest & 0xff;
  }
  let at = 1 + lengthOctets;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return element(tag.sequence, ...parts);
}

/** A SEQUENCE OF however many elements: as arguments of a call, a hundred thousand would not fit on the stack. */
export function sequenceOf(parts: readonly Uint8Array[]): Uint8Array {
  return element(tag.sequence, Buffer.concat(parts));
}

/** X.690 11.6: the elements stand in ascending order of their encodings. */
export function setOf(parts: readonly Uint8Array[], identifier: number = tag.set): Uint8Array {
  return element(identifier, Buffer.concat([...parts].sort((a, b) => Buffer.compare(a, b))));
}

/** `[n]` around whole elements: EXPLICIT, or IMPLICIT in place of a constructed type's own tag. */
export function context(n: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return element(contextConstructed(n), ...parts);
}

/** `[n]` IMPLICIT in place of a primitive type's own tag. */
export function contextContents(n: number, contents: Uint8Array): Uint8Array {
  return element(contextPrimitive(n), contents);
}

export function boolean(value: boolean): Uint8Array {
  return element(tag.boolean, Uint8Array.of(value ? 0xff : 0x00));
}

/** @param value a whole number from 0 to 2^31 - 1 */
export function integer(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > 0x7fffffff) {
    throw outOfRange(`${value} is not a whole number from 0 to 2147483647`);
  }
  return unsignedInteger(
    Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff),
  );
}

/** @param magnitude big-endian octets of a non-negative number; leading zeros are dropped, a sign octet is added */
export function unsignedInteger(magnitude: Uint8Array): Uint8Array {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++;
  const minimal = magnitude.length === 0 ? Uint8Array.of(0) : magnitude.subarray(start);
  return (minimal[0] ?? 0) >= 0x80
    ? element(tag.integer, Uint8Array.of(0), minimal)
    : element(tag.integer, minimal);
}

/** A BIT STRING of whole octets. */
export function bitString(octets: Uint8Array): Uint8Array {
  return element(tag.bitString, Uint8Array.of(0), octets);
}

/** A BIT STRING of named bits, bit 0 first; trailing zero bits are dropped (X.690 11.2.2). */
export function namedBits(bits: readonly boolean[]): Uint8Array {
  const length = bits.lastIndexOf(true) + 1;
  const octets = new Uint8Array(1 + Math.ceil(length / 8));
  octets[0] = (8 - (length % 8)) % 8;
  for (let i = 0; i < length; i++) {
    if (bits[i] === true) octets[1 + (i >> 3)] = (octets[1 + (i >> 3)] ?? 0) | (0x80 >> (i & 7));
  }
  return element(tag.bitString, octets);
}

export function octetString(...parts: readonly Uint8Array[]): Uint8Array {
  return element(tag.octetString, ...parts);
}

export function nullValue(): Uint8Array {
  return Uint8Array.of(tag.null, 0);
}

export function oid(dotted: string): Uint8Array {
  return element(tag.objectIdentifier, encodeOid(dotted));
}

export function utf8String(text: string): Uint8Array {
  return string(tag.utf8String, encodeUtf8String(text), text, 'Unicode text');
}

export function printableString(text: string): Uint8Array {
  return string(
    tag.printableString,
    isPrintableString(text) ? encodeIa5String(text) : undefined,
    text,
    "letters, digits, space and '()+,-./:=?",
  );
}

export function ia5String(text: string): Uint8Array {
  return string(tag.ia5String, encodeIa5String(text), text, 'ASCII');
}

export function bmpString(text: string): Uint8Array {
  return string(tag.bmpString, encodeBmpString(text), text, 'characters of the Basic Multilingual Plane');
}

/** UTCTime or GeneralizedTime, whichever RFC 5280 4.1.2.5 wants for that year. */
export function time(date: Date): Uint8Array {
  const { form, text } = encodeTime(date);
  return element(tag[form], Buffer.from(text, 'latin1'));
}

/** GeneralizedTime, whatever the year. */
export function generalizedTime(date: Date): Uint8Array {
  return element(tag.generalizedTime, Buffer.from(encodeGeneralizedTime(date), 'latin1'));
}

function string(
  identifier: number,
  contents: Uint8Array | undefined,
  text: string,
  allowed: string,
): Uint8Array {
  if (contents === undefined) throw outOfRange(`${JSON.stringify(text)} holds more than ${allowed}`);
  return element(identifier, contents);
}

function outOfRange(found: string): CountersignError {
  return new CountersignError(
    'VALUE_OUT_OF_RANGE',
    found,
    'Give a value that fits its place in the encoding.',
  );
}
