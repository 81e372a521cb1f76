import { CountersignError } from '@countersign/core';
import { element, tag, type DerReader } from '@countersign/core/asn1';

/** The types of RFC 4120 5.2 that X.509 does not have, written and read in DER. */

/** Identifier octet of `[APPLICATION n]` around other elements. */
export function application(n: number): number {
  return 0x60 | n;
}

/**
 * KerberosString: the standard restricts it to ASCII (5.2.1); KDCs in use put UTF-8 there, and so does this.
 * @throws CountersignError `VALUE_OUT_OF_RANGE` for control characters, which no name has
 */
export function kerberosString(text: string): Uint8Array {
  if (text === '' || hasControlCharacter(text)) {
    throw new CountersignError(
      'VALUE_OUT_OF_RANGE',
      `${JSON.stringify(text)} cannot be part of a Kerberos name: it is empty or holds control characters`,
      'Give the name as the directory has it.',
    );
  }
  return element(tag.generalString, Buffer.from(text, 'utf8'));
}

export function readKerberosString(reader: DerReader): string {
  const contents = reader.contents(tag.generalString);
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(contents);
    if (!hasControlCharacter(text)) return text;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  throw reader.malformed('a KerberosString is not UTF-8, or holds control characters');
}

/** Int32 (5.2.4): encryption types and the like may be negative. */
export function int32(value: number): Uint8Array {
  const octets = Buffer.alloc(4);
  octets.writeInt32BE(value);
  let start = 0;
  while (start < 3 && isSignOctet(octets[start], octets[start + 1])) start++;
  return element(tag.integer, octets.subarray(start));
}

export function readInt32(reader: DerReader): number {
  const contents = reader.integer();
  if (contents.length > 4) throw reader.malformed('an INTEGER is too large for its place');
  return Buffer.from(contents).readIntBE(0, contents.length);
}

/** UInt32 (5.2.4): nonces. */
export function readUint32(reader: DerReader): number {
  const magnitude = reader.unsignedInteger();
  if (magnitude.length > 4) throw reader.malformed('an INTEGER is too large for its place');
  return Buffer.from(magnitude).readUIntBE(0, magnitude.length);
}

/** KerberosFlags (5.2.8): a BIT STRING of at least 32 bits, trailing zeros kept; the first bit is the highest one here. */
export function kerberosFlags(flags: number): Uint8Array {
  const contents = Buffer.alloc(5);
  contents.writeUInt32BE(flags >>> 0, 1);
  return element(tag.bitString, contents);
}

/** @returns the first 32 bits; later ones have no meaning yet */
export function readKerberosFlags(reader: DerReader): number {
  const contents = reader.contents(tag.bitString);
  if (contents.length < 5 || (contents[0] ?? 8) > 7) {
    throw reader.malformed('KerberosFlags has fewer than 32 bits');
  }
  return Buffer.from(contents.subarray(1, 5)).readUInt32BE();
}

/** Reads what stands in `[n]`, alone. */
export function readField<T>(reader: DerReader, n: number, read: (field: DerReader) => T): T {
  const field = reader.context(n);
  const value = read(field);
  field.end();
  return value;
}

/** Reads what stands in `[n]`, if that is there. */
export function readOptionalField<T>(
  reader: DerReader,
  n: number,
  read: (field: DerReader) => T,
): T | undefined {
  return reader.at(0xa0 | n) ? readField(reader, n, read) : undefined;
}

/** Reads a SEQUENCE OF. */
export function readSequenceOf<T>(reader: DerReader, read: (item: DerReader) => T): T[] {
  const items = reader.sequence();
  const values: T[] = [];
  while (!items.done) values.push(read(items));
  return values;
}

/** X.690 8.3.2: nine equal bits in front are one octet too many. */
function isSignOctet(octet: number | undefined, next: number | undefined): boolean {
  return (octet === 0x00 && (next ?? 0) < 0x80) || (octet === 0xff && (next ?? 0) >= 0x80);
}

function hasControlCharacter(text: string): boolean {
  return /\p{Cc}/u.test(text);
}
