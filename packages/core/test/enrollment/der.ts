/** DER written and read without the library under test: short enough to be seen to be right. */

export function der(identifier: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const contents = Buffer.concat(parts);
  const { length } = contents;
  const lengthOctets =
    length < 0x80
      ? [length]
      : length < 0x100
        ? [0x81, length]
        : length < 0x10000
          ? [0x82, length >> 8, length & 0xff]
          : [0x83, length >> 16, (length >> 8) & 0xff, length & 0xff];
  return Uint8Array.from([identifier, ...lengthOctets, ...contents]);
}

export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(0x30, ...parts);
}

/** Elements stay in the order given. */
export function set(...parts: readonly Uint8Array[]): Uint8Array {
  return der(0x31, ...parts);
}

/** X.690 11.6. */
export function ascending(parts: readonly Uint8Array[]): Uint8Array[] {
  return [...parts].sort((a, b) => Buffer.compare(a, b));
}

export function integer(value: number): Uint8Array {
  return der(0x02, Uint8Array.of(value));
}

export function octets(contents: Uint8Array): Uint8Array {
  return der(0x04, contents);
}

export function nullValue(): Uint8Array {
  return der(0x05);
}

export function bmpString(text: string): Uint8Array {
  return der(0x1e, Buffer.from(text, 'utf16le').swap16());
}

export function utf8String(text: string): Uint8Array {
  return der(0x0c, Buffer.from(text, 'utf8'));
}

export function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...arcs] = dotted.split('.').map(Number);
  return der(0x06, Uint8Array.from([first * 40 + second, ...arcs].flatMap(base128)));
}

function base128(arc: number): number[] {
  const digits = [arc & 0x7f];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
    digits.unshift(0x80 | (rest & 0x7f));
  }
  return digits;
}

export interface Element {
  readonly identifier: number;
  readonly contents: Uint8Array;
  /** Identifier and length included. */
  readonly whole: Uint8Array;
  /** Where `contents` starts in what was read. */
  readonly start: number;
}

/** The elements that stand one after another in these octets. */
export function elements(bytes: Uint8Array): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at + 1] ?? 0;
    const lengthOctets = first < 0x80 ? 0 : first & 0x7f;
    const start = at + 2 + lengthOctets;
    const length = lengthOctets === 0 ? first : Buffer.from(bytes).readUIntBE(at + 2, lengthOctets);
    found.push({
      identifier: bytes[at] ?? 0,
      contents: bytes.subarray(start, start + length),
      whole: bytes.subarray(at, start + length),
      start,
    });
    at = start + length;
  }
  return found;
}

/** The element reached by going down through constructed elements: `[0, 2]` is the third part of the first. */
export function descend(bytes: Uint8Array, path: readonly number[]): Element {
  const [index = 0, ...rest] = path;
  const found = elements(bytes)[index];
  if (found === undefined) throw new Error(`no element ${index} in ${Buffer.from(bytes).toString('hex')}`);
  return rest.length === 0 ? found : descend(found.contents, rest);
}

/** The same octets with one element more at the end of the element that the path leads to. */
export function withAppended(bytes: Uint8Array, path: readonly number[], extra: Uint8Array): Uint8Array {
  const [index, ...rest] = path;
  if (index === undefined) return Uint8Array.from([...bytes, ...extra]);
  const parts = elements(bytes).map(({ identifier, contents, whole }, at) =>
    at === index ? der(identifier, withAppended(contents, rest, extra)) : whole,
  );
  return Uint8Array.from(Buffer.concat(parts));
}

export function hex(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex');
}
