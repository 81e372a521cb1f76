import { CountersignError } from '../../errors.ts';
import { BlobReader } from './blob-reader.ts';
import { keyCredentialMalformed } from './key-credential-malformed.ts';

/**
 * CUSTOM_KEY_INFORMATION (MS-ADTS 2.2.20.4), version 1. After the flags it may end anywhere: writers cut it short, so
 * that a field is there only if all before it are.
 */
export interface CustomKeyInformation {
  /** 0x01: the key is attested; 0x02: no multi-factor authentication was used. One octet. */
  readonly flags: number;
  /** 0 none, 1 operating system, 2 fixed data, 3 removable data. */
  readonly volumeType?: number;
  readonly supportsNotification?: number;
  readonly fekKeyVersion?: number;
  /** 0 unknown, 1 weak, 2 normal. */
  readonly keyStrength?: number;
  /** At most 10 octets. */
  readonly reserved?: Uint8Array;
  /** EncodedExtendedCKI, CBOR, as it stands; at least one octet, after 10 reserved ones. */
  readonly extended?: Uint8Array;
}

export const customKeyFlags = { attestation: 0x01, mfaNotUsed: 0x02 } as const;

const version = 1;
const reservedOctets = 10;

export function parseCustomKeyInformation(value: Uint8Array): CustomKeyInformation {
  const reader = new BlobReader(value, 'CustomKeyInformation');
  const found = reader.u8();
  if (found !== version) {
    throw keyCredentialMalformed(`CustomKeyInformation has version ${found}; expected ${version}`);
  }
  const flags = reader.u8();
  if (reader.done) return { flags };
  const volumeType = reader.u8();
  if (reader.done) return { flags, volumeType };
  const supportsNotification = reader.u8();
  if (supportsNotification > 1) {
    throw keyCredentialMalformed(`SupportsNotification is ${supportsNotification}; expected 0 or 1`);
  }
  if (reader.done) return { flags, volumeType, supportsNotification };
  const fekKeyVersion = reader.u8();
  if (reader.done) return { flags, volumeType, supportsNotification, fekKeyVersion };
  const head = { flags, volumeType, supportsNotification, fekKeyVersion, keyStrength: reader.u8() };
  if (reader.done) return head;
  const reserved = reader.take(Math.min(reservedOctets, reader.remaining));
  return reader.done ? { ...head, reserved } : { ...head, reserved, extended: reader.rest() };
}

/** @throws CountersignError `VALUE_OUT_OF_RANGE` */
export function encodeCustomKeyInformation(information: CustomKeyInformation): Uint8Array {
  const { flags, volumeType, supportsNotification, fekKeyVersion, keyStrength, reserved, extended } =
    information;
  const octets = [flags, volumeType, supportsNotification, fekKeyVersion, keyStrength];
  const parts = [
    ...octets.map((octet) => (octet === undefined ? undefined : Uint8Array.of(octet))),
    reserved,
    extended,
  ];
  const present = parts.filter((part) => part !== undefined);
  const isCutShort = parts.slice(0, present.length).every((part) => part !== undefined);
  const isInRange = octets.every(
    (octet) => octet === undefined || (Number.isInteger(octet) && octet >= 0 && octet < 256),
  );
  const hasRoom =
    (reserved === undefined || (reserved.length > 0 && reserved.length <= reservedOctets)) &&
    (extended === undefined || (extended.length > 0 && reserved?.length === reservedOctets));
  if (!isCutShort || !isInRange || !hasRoom || (supportsNotification ?? 0) > 1) {
    throw new CountersignError(
      'VALUE_OUT_OF_RANGE',
      'the custom key information has a field without those before it, or one that is too large for its place',
      'Give every field before the last one given, each within its octets.',
    );
  }
  return Buffer.concat([Uint8Array.of(version), ...present]);
}
