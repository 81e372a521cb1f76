/** A writer of DER for tests, apart from the one that is tested. */
export function element(identifier: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const contents = concat(...parts);
  const { length } = contents;
  const octets =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return concat(Uint8Array.of(identifier, ...octets), contents);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

export const sequence = (...parts: readonly Uint8Array[]): Uint8Array => element(0x30, ...parts);
export const context = (n: number, ...parts: readonly Uint8Array[]): Uint8Array =>
  element(0xa0 | n, ...parts);
export const octetString = (contents: Uint8Array): Uint8Array => element(0x04, contents);
export const bitString = (octets: Uint8Array): Uint8Array => element(0x03, Uint8Array.of(0), octets);
export const boolean = (value: boolean): Uint8Array => element(0x01, Uint8Array.of(value ? 0xff : 0));

/** @param value 0 to 32767 */
export function integer(value: number): Uint8Array {
  return element(0x02, value < 0x80 ? Uint8Array.of(value) : Uint8Array.of(value >> 8, value & 0xff));
}

export function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return element(0x06, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)));
}

function base128(value: number): number[] {
  const octets = [value % 0x80];
  for (let more = Math.floor(value / 0x80); more > 0; more = Math.floor(more / 0x80)) {
    octets.unshift((more % 0x80) | 0x80);
  }
  return octets;
}

export function time(date: Date): Uint8Array {
  const digits = date.toISOString().replaceAll(/\.\d+Z|[-:T]/gu, '');
  return element(0x17, Buffer.from(`${digits.slice(2)}Z`));
}
