import type { TpmReader } from './tpm-reader.ts';

/** Bits of TPMA_OBJECT by their names (TPM 2.0 part 2, 8.3.2). */
const bits = {
  fixedTPM: 1,
  stClear: 2,
  fixedParent: 4,
  sensitiveDataOrigin: 5,
  userWithAuth: 6,
  adminWithPolicy: 7,
  firmwareLimited: 8,
  svnLimited: 9,
  noDA: 10,
  encryptedDuplication: 11,
  restricted: 16,
  decrypt: 17,
  sign: 18,
  x509sign: 19,
} as const;

export type ObjectAttribute = keyof typeof bits;

export type ObjectAttributes = ReadonlySet<ObjectAttribute>;

export const objectAttributes: readonly ObjectAttribute[] = [
  'fixedTPM',
  'stClear',
  'fixedParent',
  'sensitiveDataOrigin',
  'userWithAuth',
  'adminWithPolicy',
  'firmwareLimited',
  'svnLimited',
  'noDA',
  'encryptedDuplication',
  'restricted',
  'decrypt',
  'sign',
  'x509sign',
];

/** Reads TPMA_OBJECT; reserved bits shall be zero. @throws CountersignError `ATTESTATION_MALFORMED` */
export function readObjectAttributes(reader: TpmReader): ObjectAttributes {
  const value = reader.uint32();
  const attributes = new Set(objectAttributes.filter((name) => ((value >>> bits[name]) & 1) === 1));
  if (objectAttributesValue(attributes) !== value) {
    throw reader.malformed(`the object attributes 0x${value.toString(16)} have a reserved bit set`);
  }
  return attributes;
}

/** TPMA_OBJECT as a number. */
export function objectAttributesValue(attributes: ObjectAttributes): number {
  return [...attributes].reduce((value, name) => value + 2 ** bits[name], 0);
}
