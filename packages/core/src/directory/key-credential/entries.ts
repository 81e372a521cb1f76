import { maxDocumentBytes } from '../../asn1/der-reader.ts';
import { CountersignError } from '../../errors.ts';
import { BlobReader } from './blob-reader.ts';
import { keyCredentialMalformed } from './key-credential-malformed.ts';

/** Identifiers of KEYCREDENTIALLINK_ENTRY (MS-ADTS 2.2.20.6). */
export const entryIds = {
  keyId: 1,
  keyHash: 2,
  keyMaterial: 3,
  keyUsage: 4,
  keySource: 5,
  deviceId: 6,
  customKeyInformation: 7,
  lastLogonAt: 8,
  createdAt: 9,
} as const;

export type EntryName = keyof typeof entryIds;

/** KEY_CREDENTIAL_LINK_VERSION_2 */
const version = 0x200;

const names: ReadonlyMap<number, EntryName> = new Map<number, EntryName>([
  [1, 'keyId'],
  [2, 'keyHash'],
  [3, 'keyMaterial'],
  [4, 'keyUsage'],
  [5, 'keySource'],
  [6, 'deviceId'],
  [7, 'customKeyInformation'],
  [8, 'lastLogonAt'],
  [9, 'createdAt'],
]);

/** Splits a blob. @returns values as views into it, in ascending order of their identifiers, each once */
export function readEntries(blob: Uint8Array): Map<EntryName, Uint8Array> {
  if (blob.length > maxDocumentBytes) {
    throw new CountersignError(
      'INPUT_TOO_LARGE',
      `the key credential has ${blob.length} bytes; at most ${maxDocumentBytes} are accepted`,
      'Check that this is a value of msDS-KeyCredentialLink.',
    );
  }
  const reader = new BlobReader(blob, 'key credential');
  const found = reader.u32le();
  if (found !== version) throw keyCredentialMalformed(`the version is ${found}; expected ${version}`);
  const entries = new Map<EntryName, Uint8Array>();
  let previous = 0;
  while (!reader.done) {
    const length = reader.u16le();
    const id = reader.u8();
    const name = names.get(id);
    if (name === undefined) throw keyCredentialMalformed(`${id} identifies no entry`);
    // MS-ADTS 2.2.20.2: sorted by identifier; two values of one entry would name two keys.
    if (id <= previous) throw keyCredentialMalformed(`the entry ${id} stands after the entry ${previous}`);
    previous = id;
    entries.set(name, reader.take(length));
  }
  return entries;
}

/** @param entries in ascending order of their identifiers */
export function encodeEntries(
  entries: readonly (readonly [name: EntryName, value: Uint8Array])[],
): Uint8Array {
  return Buffer.concat(entries.map(([name, value]) => encodeEntry(entryIds[name], value)));
}

export function encodeVersion(): Uint8Array {
  const octets = Buffer.alloc(4);
  octets.writeUInt32LE(version);
  return octets;
}

function encodeEntry(id: number, value: Uint8Array): Uint8Array {
  if (value.length > 0xffff) {
    throw new CountersignError(
      'VALUE_OUT_OF_RANGE',
      `the entry ${id} of a key credential would have ${value.length} octets; at most 65535 fit`,
      'Give a value that fits its place in the encoding.',
    );
  }
  const header = Buffer.alloc(3);
  header.writeUInt16LE(value.length);
  header.writeUInt8(id, 2);
  return Buffer.concat([header, value]);
}
