/** Decoders and encoders of character string contents; each returns undefined for what the type cannot hold. */

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const utf8Encoder = new TextEncoder();

export function decodeUtf8String(contents: Uint8Array): string | undefined {
  try {
    return utf8.decode(contents);
  } catch {
    return undefined;
  }
}

export function encodeUtf8String(text: string): Uint8Array | undefined {
  return text.isWellFormed() ? utf8Encoder.encode(text) : undefined;
}

// X.680 41.4.
const printable = /^[A-Za-z0-9 '()+,\-./:=?]*$/;

export function isPrintableString(text: string): boolean {
  return printable.test(text);
}

export function decodePrintableString(contents: Uint8Array): string | undefined {
  const text = Buffer.from(contents.buffer, contents.byteOffset, contents.length).toString('latin1');
  return printable.test(text) ? text : undefined;
}

export function decodeIa5String(contents: Uint8Array): string | undefined {
  if (contents.some((octet) => octet > 0x7f)) return undefined;
  return Buffer.from(contents.buffer, contents.byteOffset, contents.length).toString('latin1');
}

export function encodeIa5String(text: string): Uint8Array | undefined {
  const bytes = utf8Encoder.encode(text);
  return bytes.some((octet) => octet > 0x7f) ? undefined : bytes;
}

/** BMPString holds the Basic Multilingual Plane only (X.680 41.15): no surrogates. */
export function decodeBmpString(contents: Uint8Array): string | undefined {
  if (contents.length % 2 !== 0) return undefined;
  let text = '';
  for (let at = 0; at < contents.length; at += 2) {
    const unit = ((contents[at] ?? 0) << 8) | (contents[at + 1] ?? 0);
    if (isSurrogate(unit)) return undefined;
    text += String.fromCharCode(unit);
  }
  return text;
}

export function encodeBmpString(text: string): Uint8Array | undefined {
  const contents = new Uint8Array(text.length * 2);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (isSurrogate(unit)) return undefined;
    contents[2 * i] = unit >> 8;
    contents[2 * i + 1] = unit & 0xff;
  }
  return contents;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
