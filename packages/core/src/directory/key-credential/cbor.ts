import type { BlobReader } from './blob-reader.ts';
import { keyCredentialMalformed } from './key-credential-malformed.ts';

/** What authenticators write: CBOR (RFC 8949) in the canonical form of CTAP2, less floats, tags and indefinite lengths. */
export type Cbor = number | boolean | null | string | Uint8Array | readonly Cbor[] | CborMap;

/** Keys are integers or text; both as they were written, so that 1 and "1" differ. */
export type CborMap = ReadonlyMap<Cbor, Cbor>;

/** CTAP2 nests four deep at most (CTAP 2.1, 8). */
const maxNesting = 4;

/** Reads one data item. @throws CountersignError `KEY_CREDENTIAL_MALFORMED` */
export function readCbor(reader: BlobReader, depth = 0): Cbor {
  if (depth > maxNesting) throw keyCredentialMalformed(`CBOR is nested deeper than ${maxNesting}`);
  const first = reader.u8();
  const [majorType, information] = [first >> 5, first & 0x1f];
  if (majorType === 7) return readSimple(information);
  const argument = readArgument(reader, information);
  switch (majorType) {
    case 0:
      return argument;
    case 1:
      return -1 - argument;
    case 2:
      return reader.take(argument);
    case 3:
      return readText(reader, argument);
    case 4:
      return readItems(reader, argument, depth);
    case 5:
      return readMap(reader, argument, depth);
    default:
      throw keyCredentialMalformed('CBOR has a tag, which CTAP2 does not');
  }
}

export function parseCborMap(item: Cbor): CborMap {
  if (item instanceof Map) return item;
  throw keyCredentialMalformed('something other than a map stands in the authenticator data');
}

function readSimple(information: number): Cbor {
  if (information === 20 || information === 21) return information === 21;
  if (information === 22) return null;
  throw keyCredentialMalformed('CBOR has a float or a simple value that CTAP2 does not');
}

/** RFC 8949 4.2.1: as short as can be. */
function readArgument(reader: BlobReader, information: number): number {
  if (information < 24) return information;
  const [argument, least] =
    information === 24
      ? [reader.u8(), 24]
      : information === 25
        ? [reader.u16be(), 0x100]
        : information === 26
          ? [reader.u32be(), 0x10000]
          : [undefined, 0];
  if (argument === undefined) {
    throw keyCredentialMalformed('CBOR has an indefinite length or a number of more than 32 bits');
  }
  if (argument < least) throw keyCredentialMalformed('a number in CBOR is longer than it need be');
  return argument;
}

function readText(reader: BlobReader, length: number): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(reader.take(length));
  } catch (error) {
    if (error instanceof TypeError) throw keyCredentialMalformed('text in CBOR is not UTF-8');
    throw error;
  }
}

function readItems(reader: BlobReader, count: number, depth: number): Cbor[] {
  const items: Cbor[] = [];
  for (let i = 0; i < count; i++) items.push(readCbor(reader, depth + 1));
  return items;
}

function readMap(reader: BlobReader, count: number, depth: number): CborMap {
  const map = new Map<Cbor, Cbor>();
  for (let i = 0; i < count; i++) {
    const key = readCbor(reader, depth + 1);
    if (typeof key !== 'number' && typeof key !== 'string') {
      throw keyCredentialMalformed('a key of a map in CBOR is neither a number nor text');
    }
    if (map.has(key)) throw keyCredentialMalformed('a key of a map in CBOR stands twice');
    map.set(key, readCbor(reader, depth + 1));
  }
  return map;
}
