/** The encryption types that are spoken here (RFC 3962, RFC 8009), by their names in the IANA registry. */
export const encryptionTypes = {
  'aes256-cts-hmac-sha384-192': {
    number: 20,
    keyBytes: 32,
    integrityKeyBytes: 24,
    macBytes: 24,
    hash: 'sha384',
    family: 'rfc8009',
  },
  'aes128-cts-hmac-sha256-128': {
    number: 19,
    keyBytes: 16,
    integrityKeyBytes: 16,
    macBytes: 16,
    hash: 'sha256',
    family: 'rfc8009',
  },
  'aes256-cts-hmac-sha1-96': {
    number: 18,
    keyBytes: 32,
    integrityKeyBytes: 32,
    macBytes: 12,
    hash: 'sha1',
    family: 'rfc3962',
  },
  'aes128-cts-hmac-sha1-96': {
    number: 17,
    keyBytes: 16,
    integrityKeyBytes: 16,
    macBytes: 12,
    hash: 'sha1',
    family: 'rfc3962',
  },
} as const satisfies Readonly<Record<string, EncryptionTypeFacts>>;

export type EncryptionType = keyof typeof encryptionTypes;

export interface EncryptionTypeFacts {
  /** Its number on the wire. */
  readonly number: number;
  readonly keyBytes: number;
  /** Length of the keys Ki and Kc that are derived from one. */
  readonly integrityKeyBytes: number;
  readonly macBytes: number;
  readonly hash: 'sha1' | 'sha256' | 'sha384';
  readonly family: 'rfc3962' | 'rfc8009';
}

/** What a KDC is offered, best first: the longer key before the better construction. */
export const offeredEncryptionTypes: readonly EncryptionType[] = [
  'aes256-cts-hmac-sha384-192',
  'aes256-cts-hmac-sha1-96',
  'aes128-cts-hmac-sha256-128',
  'aes128-cts-hmac-sha1-96',
];

export function isEncryptionType(name: string): name is EncryptionType {
  return Object.hasOwn(encryptionTypes, name);
}

/** The type with this number, or undefined. */
export function encryptionTypeOf(number: number): EncryptionType | undefined {
  return Object.keys(encryptionTypes)
    .filter(isEncryptionType)
    .find((name) => encryptionTypes[name].number === number);
}
