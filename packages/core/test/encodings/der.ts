/** A DER writer and a generic DER tree of the tests' own, so that they do not judge the core by the core. */

/** One element: an identifier octet, the shortest length, contents. */
export function tlv(identifier: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const contents = Buffer.concat(parts);
  return concat(Uint8Array.of(identifier), minimalLength(contents.length), contents);
}

export function seq(...parts: readonly Uint8Array[]): Uint8Array {
  return tlv(0x30, ...parts);
}

/** A SET OF in the order given: tests choose whether that is the right one. */
export function set(...parts: readonly Uint8Array[]): Uint8Array {
  return tlv(0x31, ...parts);
}

/** Contents as they stand; INTEGERs are spelt out so that wrong ones can be written. */
export function int(...contents: readonly number[]): Uint8Array {
  return tlv(0x02, Uint8Array.from(contents));
}

export function bits(octets: Uint8Array): Uint8Array {
  return tlv(0x03, Uint8Array.of(0), octets);
}

export function oid(dotted: string): Uint8Array {
  const [first = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt);
  return tlv(0x06, Uint8Array.from([first * 40n + second, ...rest].flatMap(base128)));
}

export function text(identifier: number, value: string): Uint8Array {
  return tlv(identifier, Buffer.from(value, 'latin1'));
}

export function hex(octets: string): Uint8Array {
  return Uint8Array.from(Buffer.from(octets.replaceAll(' ', ''), 'hex'));
}

export function toHex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

export const nullElement = Uint8Array.of(0x05, 0x00);

/** An element taken apart; a primitive one has contents and no children. */
export interface Tree {
  readonly identifier: number;
  readonly contents: Uint8Array;
  readonly children: readonly Tree[] | undefined;
}

/** Reads one element with one-octet identifiers. Lengths are taken as they come, minimal or not. */
export function readTree(der: Uint8Array): Tree {
  const [tree, ...others] = readTrees(der);
  if (tree === undefined || others.length > 0) throw new Error('not one element');
  return tree;
}

function readTrees(der: Uint8Array): Tree[] {
  const trees: Tree[] = [];
  for (let at = 0; at < der.length;) {
    const identifier = der[at] ?? 0;
    const first = der[at + 1] ?? 0;
    const lengthOctets = first < 0x80 ? 0 : first & 0x7f;
    const start = at + 2 + lengthOctets;
    const length =
      lengthOctets === 0 ? first : der.subarray(at + 2, start).reduce((sum, octet) => sum * 256 + octet, 0);
    const contents = der.subarray(start, start + length);
    const children = (identifier & 0x20) === 0 ? undefined : readTrees(contents);
    trees.push({ identifier, contents, children });
    at = start + length;
  }
  return trees;
}

export function writeTree({ identifier, contents, children }: Tree): Uint8Array {
  return children === undefined ? tlv(identifier, contents) : tlv(identifier, ...children.map(writeTree));
}

/**
 * The document once for every element that `change` takes, with that element written as `change` has it and the
 * lengths of all around it put right.
 */
export function* variants(
  tree: Tree,
  change: (element: Tree) => Uint8Array | undefined,
  place = 'top',
): Generator<readonly [place: string, document: Uint8Array]> {
  const changed = change(tree);
  if (changed !== undefined) yield [place, changed];
  const { identifier, children = [] } = tree;
  for (const [i, child] of children.entries()) {
    for (const [innerPlace, inner] of variants(child, change, `${place}.${i}`)) {
      const parts = children.map((sibling, j) => (i === j ? inner : writeTree(sibling)));
      yield [innerPlace, tlv(identifier, ...parts)];
    }
  }
}

function minimalLength(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const octets = length < 0x100 ? 1 : length < 0x10000 ? 2 : 3;
  return Uint8Array.from([
    0x80 | octets,
    ...Array.from({ length: octets }, (_, i) => (length >> (8 * (octets - 1 - i))) & 0xff),
  ]);
}

function base128(value: bigint): number[] {
  const octets = [Number(value & 0x7fn)];
  for (let rest = value >> 7n; rest > 0n; rest >>= 7n) octets.unshift(Number(rest & 0x7fn) | 0x80);
  return octets;
}
