import { createHash } from 'node:crypto';
import { structureMalformed, unmarshal } from './marshal.ts';
import { TPM2B_PUBLIC_KEY_RSA, TPM_ALG_ID, TPMS_ECC_PARMS, TPMS_ECC_POINT } from './tss.ts';
import { TPMS_RSA_PARMS, TPMT_PUBLIC } from './tss.ts';

/** TPMT_PUBLIC (TPM 2.0 part 2, 12.2.4): all of an object but its secrets. Algorithms are TPM_ALG_ID numbers. */
export type PublicArea = RsaPublicArea | EccPublicArea | OtherPublicArea;

interface PublicAreaFields {
  /** The structure as it came, which names and signatures are computed over. */
  readonly bytes: Uint8Array;
  readonly nameAlgorithm: number;
  /** TPMA_OBJECT. */
  readonly attributes: number;
  readonly authPolicy: Uint8Array;
}

export interface RsaPublicArea extends PublicAreaFields {
  readonly kind: 'rsa';
  /** TPM_ALG_NULL if the key may sign with any. */
  readonly scheme: number;
  readonly keyBits: number;
  /** 65537 where the TPM writes 0 for it. */
  readonly exponent: number;
  /** Big-endian; empty in a template. */
  readonly modulus: Uint8Array;
}

export interface EccPublicArea extends PublicAreaFields {
  readonly kind: 'ecc';
  /** TPM_ALG_NULL if the key may sign with any. */
  readonly scheme: number;
  /** TPM_ECC_CURVE. */
  readonly curve: number;
  /** Big-endian, and shorter than the curve's field where some TPMs leave leading noughts out; empty in a template. */
  readonly x: Uint8Array;
  readonly y: Uint8Array;
}

/** Symmetric keys, and data under an HMAC or seal. */
export interface OtherPublicArea extends PublicAreaFields {
  readonly kind: 'other';
  readonly algorithm: number;
}

/**
 * @param bytes TPMT_PUBLIC, without the size of a TPM2B_PUBLIC.
 * @throws CountersignError `TPM_REPLY_MALFORMED`.
 */
export function parsePublicArea(bytes: Uint8Array): PublicArea {
  const area = unmarshal(TPMT_PUBLIC, bytes);
  const { parameters, unique } = area;
  const fields = {
    bytes: Uint8Array.from(bytes),
    nameAlgorithm: area.nameAlg,
    attributes: area.objectAttributes,
    authPolicy: Uint8Array.from(area.authPolicy),
  };
  if (parameters instanceof TPMS_RSA_PARMS && unique instanceof TPM2B_PUBLIC_KEY_RSA) {
    const { schemeScheme: scheme, keyBits, exponent } = parameters;
    const modulus = Uint8Array.from(unique.buffer);
    return { ...fields, kind: 'rsa', scheme, keyBits, exponent: exponent === 0 ? 65_537 : exponent, modulus };
  }
  if (parameters instanceof TPMS_ECC_PARMS && unique instanceof TPMS_ECC_POINT) {
    const { schemeScheme: scheme, curveID: curve } = parameters;
    return {
      ...fields,
      kind: 'ecc',
      scheme,
      curve,
      x: Uint8Array.from(unique.x),
      y: Uint8Array.from(unique.y),
    };
  }
  return { ...fields, kind: 'other', algorithm: area.type };
}

/**
 * The Name of an object: its nameAlg, 16 bits, and the digest of its public area (TPM 2.0 part 1, 16). An object
 * without a nameAlg has an empty one.
 * @throws CountersignError `TPM_REPLY_MALFORMED` for a hash algorithm that Node has not.
 */
export function nameOf({ bytes, nameAlgorithm }: PublicArea): Uint8Array {
  if (nameAlgorithm === algorithmNull) return new Uint8Array();
  const digest = createHash(hashName(nameAlgorithm)).update(bytes).digest();
  const name = new Uint8Array(2 + digest.length);
  new DataView(name.buffer).setUint16(0, nameAlgorithm);
  name.set(digest, 2);
  return name;
}

const algorithmNull: number = TPM_ALG_ID.NULL;

/**
 * What `node:crypto` calls the hash algorithm with this TPM_ALG_ID.
 * @throws CountersignError `TPM_REPLY_MALFORMED`.
 */
export function hashName(algorithm: number): string {
  const name = hashNames.get(algorithm);
  if (name !== undefined) return name;
  throw structureMalformed('hash algorithm', `0x${algorithm.toString(16)} is none that is known here`);
}

const hashNames: ReadonlyMap<number, string> = new Map<number, string>([
  [TPM_ALG_ID.SHA1, 'sha1'],
  [TPM_ALG_ID.SHA256, 'sha256'],
  [TPM_ALG_ID.SHA384, 'sha384'],
  [TPM_ALG_ID.SHA512, 'sha512'],
  [TPM_ALG_ID.SHA3_256, 'sha3-256'],
  [TPM_ALG_ID.SHA3_384, 'sha3-384'],
  [TPM_ALG_ID.SHA3_512, 'sha3-512'],
]);
