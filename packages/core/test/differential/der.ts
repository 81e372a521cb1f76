/** The little DER that cases are made of, written without core. */

export function element(identifier: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const contents = Buffer.concat(parts);
  const length: number[] = [];
  for (let rest = contents.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256);
  const lengthOctets = contents.length < 0x80 ? [contents.length] : [0x80 | length.length, ...length];
  return Uint8Array.from([identifier, ...lengthOctets, ...contents]);
}

/** X.690 11.6: in ascending order of the encodings. */
export function inOrderOfEncoding<T extends Uint8Array>(elements: readonly T[]): T[] {
  return [...elements].sort((a, b) => Buffer.compare(a, b));
}

export function utf8String(text: string): Uint8Array<ArrayBuffer> {
  return element(0x0c, Buffer.from(text));
}

export function bmpString(text: string): Uint8Array<ArrayBuffer> {
  return element(0x1e, Buffer.from(text, 'utf16le').swap16());
}

export function sequence(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return element(0x30, ...parts);
}

export function set(...elements: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return element(0x31, ...inOrderOfEncoding(elements));
}

export function objectIdentifier(dotted: string): Uint8Array<ArrayBuffer> {
  const [first = 0, second = 0, ...others] = dotted.split('.').map(Number);
  const octets = [first * 40 + second, ...others].flatMap((number) => {
    const groups = [number % 128];
    for (let rest = Math.floor(number / 128); rest > 0; rest = Math.floor(rest / 128)) {
      groups.unshift(0x80 | (rest % 128));
    }
    return groups;
  });
  return element(0x06, Uint8Array.from(octets));
}

/** RFC 5280 4.1.2.5, and RFC 5652 11.3 for signing times: UTCTime from 1950 to 2049. */
export function time(date: Date): Uint8Array<ArrayBuffer> {
  const digits = date.toISOString().replaceAll(/\.\d+|[-:T]/g, '');
  const isUtcTime = date.getUTCFullYear() >= 1950 && date.getUTCFullYear() < 2050;
  return isUtcTime ? element(0x17, Buffer.from(digits.slice(2))) : element(0x18, Buffer.from(digits));
}
