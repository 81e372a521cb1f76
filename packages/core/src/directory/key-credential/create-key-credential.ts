import { createHash } from 'node:crypto';
import { encodeCustomKeyInformation, type CustomKeyInformation } from './custom-key-information.ts';
import { encodeEntries, encodeVersion, type EntryName } from './entries.ts';
import { encodeGuid } from './guid.ts';
import { KeyCredential } from './key-credential.ts';
import { encodeKeyTime } from './key-time.ts';
import { keySources, keyUsages, type KeySource, type KeyUsage } from './key-usage.ts';

export interface KeyCredentialFields {
  /** The octets of the KeyMaterial entry, such as `encodeBcryptKeyBlob` makes them. */
  readonly keyMaterial: Uint8Array;
  readonly usage: KeyUsage;
  /** `activeDirectory` if absent. */
  readonly source?: KeySource;
  /** SHA-256 of the key material if absent, as it must be for all but FIDO keys. */
  readonly keyId?: Uint8Array;
  /** GUID in string form; without it the blob has no such entry. */
  readonly deviceId?: string;
  readonly customKeyInformation?: CustomKeyInformation;
  readonly lastLogonAt?: Date;
  readonly createdAt?: Date;
}

/**
 * Makes a KEYCREDENTIALLINK_BLOB (MS-ADTS 2.2.20.2) with all hashes.
 * @returns it parsed: nothing is written that would not be read
 * @throws CountersignError `VALUE_OUT_OF_RANGE`, and what `KeyCredential.parse` throws for key material that is none
 */
export function createKeyCredential(fields: KeyCredentialFields): KeyCredential {
  const { keyMaterial, usage, source = 'activeDirectory' } = fields;
  const { keyId = sha256(keyMaterial), deviceId, customKeyInformation, lastLogonAt, createdAt } = fields;
  const hashed = encodeEntries([
    ['keyMaterial', keyMaterial],
    ['keyUsage', Uint8Array.of(keyUsages[usage])],
    ['keySource', Uint8Array.of(keySources[source])],
    ...optional('deviceId', deviceId, encodeGuid),
    ...optional('customKeyInformation', customKeyInformation, encodeCustomKeyInformation),
    ...optional('lastLogonAt', lastLogonAt, (time) => encodeKeyTime(time, source)),
    ...optional('createdAt', createdAt, (time) => encodeKeyTime(time, source)),
  ]);
  const identifiers = encodeEntries([
    ['keyId', keyId],
    ['keyHash', sha256(hashed)],
  ]);
  return KeyCredential.parse(Uint8Array.from(Buffer.concat([encodeVersion(), identifiers, hashed])));
}

function optional<T>(
  name: EntryName,
  value: T | undefined,
  encode: (value: T) => Uint8Array,
): (readonly [EntryName, Uint8Array])[] {
  return value === undefined ? [] : [[name, encode(value)]];
}

function sha256(octets: Uint8Array): Uint8Array {
  return createHash('sha256').update(octets).digest();
}
