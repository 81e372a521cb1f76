import { createHash } from 'node:crypto';
import { concat } from '../encodings/der.ts';

/** A writer of key credentials of the tests' own, which writes wrong ones as readily as right ones. */

export interface Entry {
  readonly id: number;
  readonly value: Uint8Array;
}

export function blob(entries: readonly Entry[], version = 0x200): Uint8Array {
  const header = Buffer.alloc(4);
  header.writeUInt32LE(version);
  return concat(header, ...entries.map(encode));
}

/** KeyID and KeyHash that are right, before these entries. */
export function withHashes(entries: readonly Entry[]): Uint8Array {
  const material = entries.find(({ id }) => id === 3)?.value ?? new Uint8Array();
  const keyHash = sha256(concat(...entries.map(encode)));
  return blob([{ id: 1, value: sha256(material) }, { id: 2, value: keyHash }, ...entries]);
}

/** The entries of a sound blob. */
export function entriesOf(octets: Uint8Array): Entry[] {
  const entries: Entry[] = [];
  for (let at = 4; at < octets.length;) {
    const length = (octets[at] ?? 0) + 256 * (octets[at + 1] ?? 0);
    entries.push({ id: octets[at + 2] ?? 0, value: octets.subarray(at + 3, at + 3 + length) });
    at += 3 + length;
  }
  return entries;
}

/** The entries after KeyHash, one of them replaced; with hashes that are right for them. */
export function altered(octets: Uint8Array, id: number, value: Uint8Array): Uint8Array {
  return withHashes(
    entriesOf(octets)
      .filter((entry) => entry.id > 2)
      .map((entry) => (entry.id === id ? { id, value } : entry)),
  );
}

export function sha256(octets: Uint8Array): Uint8Array {
  return Uint8Array.from(createHash('sha256').update(octets).digest());
}

function encode({ id, value }: Entry): Uint8Array {
  return concat(Uint8Array.of(value.length & 0xff, value.length >> 8, id), value);
}
