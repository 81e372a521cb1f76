import { openssl } from './openssl.ts';
import { hex } from './values.ts';

/** An element as `openssl asn1parse` found it. */
export interface ParsedElement {
  /** `SEQUENCE`, `cont [ 0 ]`, `OBJECT` … */
  readonly type: string;
  /** What asn1parse prints of the contents. OBJECT: dotted OID. */
  readonly text: string;
  /** Identifier, length and contents. */
  readonly der: Uint8Array;
  readonly contents: Uint8Array;
  readonly children: readonly ParsedElement[];
}

/** The element that a DER document is, with everything in it. */
export function asn1parse(der: Uint8Array): ParsedElement {
  const lines = [...openssl(['asn1parse', '-inform', 'DER'], der).toString().matchAll(linePattern)];
  const stack: (ParsedElement & { readonly children: ParsedElement[] })[] = [];
  for (const [, offset, depth, headerLength, length, type = '', text = ''] of lines) {
    const start = Number(offset);
    const contentsAt = start + Number(headerLength);
    const end = contentsAt + Number(length);
    const trimmed = type.trim();
    const element = {
      type: trimmed,
      text: trimmed === 'OBJECT' ? dottedOid(text) : text,
      der: der.subarray(start, end),
      contents: der.subarray(contentsAt, end),
      children: [],
    };
    stack.length = Math.min(stack.length, Number(depth));
    stack.at(-1)?.children.push(element);
    stack.push(element);
  }
  const [root] = stack;
  if (root === undefined) throw new Error('openssl asn1parse printed nothing');
  return root;
}

/** The child at an index; there must be one. */
export function child(parent: ParsedElement | undefined, index: number): ParsedElement {
  const found = parent?.children.at(index);
  if (found === undefined) throw new Error(`openssl asn1parse shows no element ${index} in ${parent?.type}`);
  return found;
}

/** Attribute ::= SEQUENCE { type OBJECT IDENTIFIER, values SET OF ANY } */
export function attributesIn({
  children,
}: ParsedElement): { type: string; values: readonly ParsedElement[] }[] {
  return children.map((attribute) => ({
    type: child(attribute, 0).text,
    values: child(attribute, 1).children,
  }));
}

/** Extension ::= SEQUENCE { extnID, critical DEFAULT FALSE, extnValue } */
export function extensionsIn({
  children,
}: ParsedElement): { oid: string; critical: boolean; value: string }[] {
  return children.map((extension) => ({
    oid: child(extension, 0).text,
    critical: extension.children.length === 3 && child(extension, 1).text === '255',
    value: hex(child(extension, -1).contents),
  }));
}

//   16:d=3  hl=2 l=   8 prim: OBJECT            :ecdsa-with-SHA256
const linePattern = /^ *(\d+):d= *(\d+) +hl= *(\d+) +l= *(\d+) +(?:cons|prim): +(.{18})(?::?(.*))$/gm;

let longNames: ReadonlyMap<string, string> | undefined;

/** asn1parse prints the long names of the object identifiers that it knows; `openssl list -objects` has them all. */
export function dottedOid(text: string): string {
  if (/^\d+(\.\d+)+$/.test(text)) return text;
  longNames ??= new Map(
    Array.from(
      openssl(['list', '-objects'])
        .toString()
        .matchAll(/^(.+?) = (?:(.+), )?([\d.]+)$/gm),
      ([, shortName = '', longName = shortName, oid = '']) => [longName, oid],
    ),
  );
  const oid = longNames.get(text);
  if (oid === undefined) throw new Error(`openssl list -objects does not know "${text}"`);
  return oid;
}
