import { constants, createECDH, ECDH, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto';
import { CountersignError } from '@countersign/core';
import { curves, hashAlgorithms } from './algorithms.ts';
import { computeName } from './entity.ts';
import { kdfE, nulTerminated } from './kdf.ts';
import {
  objectAttributes,
  parsePublicArea,
  type EccPublicArea,
  type PublicArea,
  type RsaPublicArea,
} from './public-area.ts';
import { TpmWriter } from './wire/tpm-writer.ts';

/**
 * The key in the TPM to which session salts are encrypted, pinned by Name: whoever sits on the bus can hand out a
 * public area of his own, and would learn every session key from the salt encrypted to it.
 */
export class SaltKey {
  readonly handle: number;
  readonly name: Uint8Array;
  readonly #area: PublicArea;

  private constructor(handle: number, name: Uint8Array, area: PublicArea) {
    this.handle = handle;
    this.name = name;
    this.#area = area;
  }

  /**
   * @param handle of the loaded or persistent key.
   * @param publicArea TPMT_PUBLIC; may come from anywhere.
   * @param trustedName nameAlg and digest, from a source the bus has no part in: recorded at provisioning, or of an
   * endorsement key whose certificate was verified.
   * @throws CountersignError `TPM_KEY_NOT_TRUSTED` if the public area has another Name or is of no use for salts,
   * `TPM_STRUCTURE_MALFORMED`, `ALGORITHM_NOT_SUPPORTED`.
   */
  static pin(handle: number, publicArea: Uint8Array, trustedName: Uint8Array): SaltKey {
    const area = parsePublicArea(publicArea);
    const name = computeName(area.nameAlgorithm, publicArea);
    if (Buffer.compare(name, trustedName) !== 0) {
      throw new CountersignError(
        'TPM_KEY_NOT_TRUSTED',
        `the public area has the Name ${hex(name)}, the key that is trusted has ${hex(trustedName)}`,
        'The TPM was cleared or exchanged, or somebody on the way to it handed out another key. Find out which before trusting a new Name.',
      );
    }
    assertFitForSalts(area);
    return new SaltKey(handle, name, area);
  }

  /** A fresh salt, and the TPM2B_ENCRYPTED_SECRET contents that bring it to the TPM. The caller wipes the salt. */
  createSalt(): { readonly salt: Uint8Array; readonly encryptedSalt: Uint8Array } {
    return this.#area.type === 'rsa' ? rsaSalt(this.#area) : eccSalt(this.#area);
  }
}

/** A salt as long as the digest of the key's nameAlg, by RSAES-OAEP (TPM 2.0 part 1, B.10.2). */
function rsaSalt(area: RsaPublicArea): { salt: Uint8Array; encryptedSalt: Uint8Array } {
  const salt = randomBytes(hashAlgorithms[area.nameAlgorithm].bytes);
  const exponent = new TpmWriter().u32(area.exponent === 0 ? 65537 : area.exponent).finish();
  const jwk = { kty: 'RSA', n: base64url(area.modulus), e: base64url(exponent) };
  const encryptedSalt = publicEncrypt(
    {
      key: createPublicKey({ format: 'jwk', key: jwk }),
      padding: constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: area.nameAlgorithm,
      oaepLabel: Buffer.from(nulTerminated('SECRET')),
    },
    salt,
  );
  return { salt, encryptedSalt };
}

/**
 * One-pass Diffie-Hellman with a key pair of the moment (TPM 2.0 part 1, C.6.1). The x-coordinate of the TPM's key goes
 * into KDFe as it stands in its public area, because that is what the TPM puts in.
 */
function eccSalt(area: EccPublicArea): { salt: Uint8Array; encryptedSalt: Uint8Array } {
  const { opensslName, bytes } = curves[area.curve];
  const ephemeral = createECDH(opensslName);
  const point = ephemeral.generateKeys();
  const [x, y] = [point.subarray(1, 1 + bytes), point.subarray(1 + bytes)];
  const z = ephemeral.computeSecret(uncompressedPoint(area));
  try {
    const salt = kdfE(area.nameAlgorithm, z, 'SECRET', x, area.x, hashAlgorithms[area.nameAlgorithm].bytes);
    return { salt, encryptedSalt: new TpmWriter().sized(x).sized(y).finish() };
  } finally {
    z.fill(0);
  }
}

function assertFitForSalts(area: PublicArea): void {
  const { decrypt, fixedTpm, sensitiveDataOrigin } = objectAttributes;
  for (const [attribute, name] of [
    [decrypt, 'decrypt'],
    [fixedTpm, 'fixedTPM'],
    [sensitiveDataOrigin, 'sensitiveDataOrigin'],
  ] as const) {
    if ((area.attributes & attribute) === 0) throw unfit(`does not have the attribute ${name}`);
  }
  if (area.type === 'rsa') {
    if (area.keyBits < 2048) throw unfit(`is RSA of ${area.keyBits} bits, fewer than 2048`);
    if (area.modulus.length * 8 !== area.keyBits) throw unfit('has a modulus of another length than it says');
    return;
  }
  try {
    ECDH.convertKey(uncompressedPoint(area), curves[area.curve].opensslName);
  } catch (cause) {
    throw unfit(`has a point that is not on ${area.curve}`, cause);
  }
}

function uncompressedPoint({ curve, x, y }: EccPublicArea): Uint8Array {
  const { bytes } = curves[curve];
  if (x.length > bytes || y.length > bytes) throw unfit(`has coordinates too long for ${curve}`);
  const point = new Uint8Array(1 + 2 * bytes);
  point[0] = 4;
  point.set(x, 1 + bytes - x.length);
  point.set(y, 1 + 2 * bytes - y.length);
  return point;
}

function unfit(why: string, cause?: unknown): CountersignError {
  return new CountersignError(
    'TPM_KEY_NOT_TRUSTED',
    `the key for session salts ${why}`,
    'Use a storage root key or an endorsement key: a decryption key made in this TPM and bound to it.',
    { cause },
  );
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
