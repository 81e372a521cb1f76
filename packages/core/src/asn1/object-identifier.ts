import { CountersignError } from '../errors.ts';

/**
 * Decodes the contents octets of an OBJECT IDENTIFIER (X.690 8.19) into dotted form. Arcs have no upper limit: one that
 * would wrap at 2^32 or 2^53 elsewhere stays what it is here.
 * @returns undefined if an arc is cut off or starts with a superfluous 80
 */
export function decodeOid(contents: Uint8Array): string | undefined {
  if (contents.length === 0 || contents.length > maxOidOctets) return undefined;
  const arcs: string[] = [];
  let arc = 0n;
  let small = 0;
  let octets = 0;
  for (const octet of contents) {
    if (octets === 0 && octet === 0x80) return undefined;
    octets++;
    // Six groups of seven bits stay exact in a number; only longer arcs pay for a bigint.
    if (octets <= 6) small = small * 128 + (octet & 0x7f);
    else arc = (octets === 7 ? BigInt(small) : arc) * 128n + BigInt(octet & 0x7f);
    if (octet >= 0x80) continue;
    pushArc(arcs, octets <= 6 ? small : arc);
    small = 0;
    octets = 0;
  }
  return octets === 0 ? arcs.join('.') : undefined;
}

/**
 * Encodes a dotted OBJECT IDENTIFIER into its contents octets.
 * @throws CountersignError `VALUE_OUT_OF_RANGE` if the text is not one
 */
export function encodeOid(dotted: string): Uint8Array {
  const known = encoded.get(dotted);
  if (known !== undefined) return known;
  if (!/^[0-2](\.(0|[1-9][0-9]*))+$/.test(dotted)) throw notAnOid(dotted);
  const [root = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt);
  if (root < 2n && second > 39n) throw notAnOid(dotted);
  const contents = Uint8Array.from([root * 40n + second, ...rest].flatMap(base128));
  if (contents.length > maxOidOctets) throw notAnOid(dotted);
  if (encoded.size < maxCached) encoded.set(dotted, contents);
  return contents;
}

/** Ample for every assigned OID and for UUID arcs; keeps a hostile one from costing quadratic time. */
const maxOidOctets = 128;

/** The program's own OIDs are few; the bound is for callers that encode others' without end. */
const maxCached = 1024;
const encoded = new Map<string, Uint8Array>();

function pushArc(arcs: string[], value: number | bigint): void {
  if (arcs.length > 0) {
    arcs.push(value.toString());
    return;
  }
  // X.690 8.19.4: the first two arcs share one subidentifier, 40 * first + second.
  if (value < 80) arcs.push(value < 40 ? '0' : '1', (Number(value) % 40).toString());
  else arcs.push('2', (typeof value === 'number' ? value - 80 : value - 80n).toString());
}

function base128(value: bigint): number[] {
  const octets = [Number(value & 0x7fn)];
  for (let rest = value >> 7n; rest > 0n; rest >>= 7n) octets.unshift(Number(rest & 0x7fn) | 0x80);
  return octets;
}

function notAnOid(text: string): CountersignError {
  return new CountersignError(
    'VALUE_OUT_OF_RANGE',
    `"${text}" is not an object identifier`,
    'Give dotted decimal numbers, such as 1.3.6.1.5.5.7.3.2.',
  );
}
