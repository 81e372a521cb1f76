/** The little DER (X.690) that lies between a token's attributes and X.509's forms. */

export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return element(0x30, Buffer.concat(parts));
}

export const nullValue = Buffer.from([0x05, 0x00]);

export function bitString(octets: Uint8Array): Buffer {
  return element(0x03, Buffer.concat([Buffer.from([0]), octets]));
}

/** @param magnitude big-endian, with or without leading zeros */
export function unsignedInteger(magnitude: Uint8Array): Buffer {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start += 1;
  const stripped = magnitude.subarray(start);
  const needsSignOctet = ((stripped[0] ?? 0) & 0x80) !== 0 || stripped.length === 0;
  return element(0x02, needsSignOctet ? Buffer.concat([Buffer.from([0]), stripped]) : stripped);
}

/** An INTEGER whose contents octets are already two's complement. */
export function integerOf(contents: Uint8Array): Buffer {
  return element(0x02, contents);
}

/** @returns undefined if these are not the octets of one OCTET STRING */
export function octetStringContents(der: Buffer): Buffer | undefined {
  if (der[0] !== 0x04) return undefined;
  for (const lengthOctets of [1, 2, 3]) {
    const contents = der.subarray(1 + lengthOctets);
    if (derLength(contents.length).equals(der.subarray(1, 1 + lengthOctets))) return contents;
  }
  return undefined;
}

export function derLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  if (length < 0x100) return Buffer.from([0x81, length]);
  return Buffer.from([0x82, length >> 8, length & 0xff]);
}

function element(tag: number, contents: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([tag]), derLength(contents.length), contents]);
}
