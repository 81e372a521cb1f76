import { createHash } from 'node:crypto';
import { parseCustomKeyInformation, type CustomKeyInformation } from './custom-key-information.ts';
import { entryIds, readEntries, type EntryName } from './entries.ts';
import { parseGuid } from './guid.ts';
import { keyCredentialMalformed } from './key-credential-malformed.ts';
import { parseKeyMaterial, type KeyMaterial } from './key-material.ts';
import { keySources, keyUsages, parseCode, type KeySource, type KeyUsage } from './key-usage.ts';
import { parseKeyTime } from './key-time.ts';

/**
 * A value of msDS-KeyCredentialLink: KEYCREDENTIALLINK_BLOB (MS-ADTS 2.2.20.2). Parsed strictly: entries in ascending
 * order and each once, hashes that are right, key material that is a key.
 */
export class KeyCredential {
  /** The whole blob. */
  readonly octets: Uint8Array;
  /** SHA-256 of the key material's octets; for FIDO keys in practice the credential ID. */
  readonly keyId: Uint8Array;
  /** Whether the blob has a KeyHash entry, which is then right. */
  readonly hasKeyHash: boolean;
  readonly keyMaterial: KeyMaterial;
  readonly usage: KeyUsage;
  /** Absent in a blob without the entry, which reads as `activeDirectory` everywhere. */
  readonly source: KeySource | undefined;
  /** GUID of the device on which the key was made, in string form; all zeros where there is none to tell. */
  readonly deviceId: string | undefined;
  readonly customKeyInformation: CustomKeyInformation | undefined;
  /** To the millisecond; the blob counts in units of 100 ns. */
  readonly lastLogonAt: Date | undefined;
  readonly createdAt: Date | undefined;

  private constructor(octets: Uint8Array) {
    const entries = readEntries(octets);
    const required = (name: EntryName): Uint8Array => {
      const value = entries.get(name);
      if (value === undefined) throw keyCredentialMalformed(`the entry ${name} is missing`);
      return value;
    };
    this.octets = octets;
    this.keyId = required('keyId');
    const material = required('keyMaterial');
    this.hasKeyHash = checkKeyHash(octets, entries.get('keyHash'));
    this.usage = parseCode(keyUsages, required('keyUsage'), 'KeyUsage');
    this.source = parsed(entries.get('keySource'), (value) => parseCode(keySources, value, 'KeySource'));
    this.deviceId = parsed(entries.get('deviceId'), parseGuid);
    this.customKeyInformation = parsed(entries.get('customKeyInformation'), parseCustomKeyInformation);
    const source = this.source ?? 'activeDirectory';
    this.lastLogonAt = parsed(entries.get('lastLogonAt'), (value) => parseKeyTime(value, source));
    this.createdAt = parsed(entries.get('createdAt'), (value) => parseKeyTime(value, source));
    this.keyMaterial = parseKeyMaterial(material, this.usage);
    checkKeyId(this.keyId, this.keyMaterial);
  }

  /**
   * @param octets the blob, such as `parseDnWithBinary` takes it out of an attribute value
   * @throws CountersignError `KEY_CREDENTIAL_MALFORMED`, `INPUT_TOO_LARGE`, and what `PublicKey.parse` throws for the
   *   key in it
   */
  static parse(octets: Uint8Array): KeyCredential {
    return new KeyCredential(octets);
  }
}

function parsed<T>(value: Uint8Array | undefined, parse: (value: Uint8Array) => T): T | undefined {
  return value === undefined ? undefined : parse(value);
}

/** MS-ADTS 2.2.20.3: KeyHash is the SHA-256 of all that follows its entry. */
function checkKeyHash(octets: Uint8Array, keyHash: Uint8Array | undefined): boolean {
  if (keyHash === undefined) return false;
  const end = keyHash.byteOffset - octets.byteOffset + keyHash.length;
  if (Buffer.compare(keyHash, sha256(octets.subarray(end))) !== 0) {
    throw keyCredentialMalformed(
      `the entry ${entryIds.keyHash} (KeyHash) is not the hash of what follows it`,
    );
  }
  return true;
}

/** MS-ADTS 2.2.20.3: KeyID is the SHA-256 of the key material; FIDO keys go by the ID that the authenticator gave them. */
function checkKeyId(keyId: Uint8Array, material: KeyMaterial): void {
  if (Buffer.compare(keyId, sha256(material.octets)) === 0) return;
  if (material.format === 'fido' && Buffer.compare(keyId, material.credentialId) === 0) return;
  throw keyCredentialMalformed(
    `the entry ${entryIds.keyId} (KeyID) is not the identifier of the key in the blob`,
  );
}

function sha256(octets: Uint8Array): Uint8Array {
  return createHash('sha256').update(octets).digest();
}
