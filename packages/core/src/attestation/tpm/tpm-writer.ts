/** Writers of the scalars that TPM structures are made of (TPM 2.0 part 2, 4.1: big-endian, nothing padded). */

export function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value & 0xff);
}

export function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

/** A TPM2B: a 16-bit size, and the octets. */
export function sized(...parts: readonly Uint8Array[]): Uint8Array {
  const contents = concat(...parts);
  return concat(uint16(contents.length), contents);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
