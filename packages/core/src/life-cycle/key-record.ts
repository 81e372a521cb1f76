import { CountersignError } from '../errors.ts';
import type { KeyDescription } from '../keys/key-provider.ts';
import { PublicKey } from '../keys/public-key.ts';
import type { KeyHistory } from './key-history.ts';

/** What is kept of a key for as long as anyone may ask, its destruction and long after included. */
export interface KeyRecord {
  /** SHA-256 of the SubjectPublicKeyInfo, lower-case hex. */
  readonly keyId: string;
  /** Where the key lived when it was recorded. */
  readonly ref: string;
  readonly label: string;
  readonly history: KeyHistory;
  /** The key id of the key whose place this one takes, or took. */
  readonly replaces?: string;
  /** Set before a key is destroyed, so that a destruction cut short is carried on and never forgotten. */
  readonly destructionBegunAt?: Date;
  /** What the provider says of a destroyed key's remains. */
  readonly destruction?: string;
}

/**
 * Where key records lie: shared by every process that uses the keys. Several custodians may work on one store at once,
 * so nothing may be concluded from a record but inside `change`.
 */
export interface KeyRecordStore {
  find(keyId: string): Promise<KeyRecord | undefined>;
  list(): Promise<readonly KeyRecord[]>;
  /**
   * Changes records, all or none, with no other change in between; durable when the promise resolves.
   * @param change sees every record by key id and returns those to add or to replace; if it throws, nothing changes
   */
  change(change: (records: ReadonlyMap<string, KeyRecord>) => readonly KeyRecord[]): Promise<void>;
}

export function keyIdOf(key: Pick<KeyDescription, 'publicKey'>): string {
  return PublicKey.parse(key.publicKey).keyId;
}

/** @throws CountersignError `KEY_NOT_RECORDED` */
export function recorded(record: KeyRecord | undefined, ref: string): KeyRecord {
  if (record !== undefined) return record;
  throw new CountersignError(
    'KEY_NOT_RECORDED',
    `no record tells in which state the key ${ref} is`,
    'If the key is yours and its use is intended, adopt it; if not, destroy it.',
  );
}
