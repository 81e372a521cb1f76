import { CountersignError } from '@countersign/core';
import {
  algorithmIds,
  curves,
  findCurve,
  findHashAlgorithm,
  hashAlgorithms,
  type HashAlgorithm,
  type TpmCurve,
} from './algorithms.ts';
import { TpmReader } from './wire/tpm-reader.ts';
import { TpmWriter } from './wire/tpm-writer.ts';

/** TPMT_PUBLIC of an asymmetric key (TPM 2.0 part 2, 12.2.4). */
export type PublicArea = RsaPublicArea | EccPublicArea;

interface CommonPublicArea {
  readonly nameAlgorithm: HashAlgorithm;
  /** TPMA_OBJECT. */
  readonly attributes: number;
  readonly authPolicy: Uint8Array;
  /** What a storage key protects its children with: AES-CFB. */
  readonly symmetricBits: 128 | 192 | 256 | undefined;
  readonly scheme: AsymmetricScheme | undefined;
}

export interface RsaPublicArea extends CommonPublicArea {
  readonly type: 'rsa';
  readonly keyBits: number;
  /** 0 stands for 65537. */
  readonly exponent: number;
  /** Empty in a template. */
  readonly modulus: Uint8Array;
}

export interface EccPublicArea extends CommonPublicArea {
  readonly type: 'ecc';
  readonly curve: TpmCurve;
  /** Big-endian; empty in a template. */
  readonly x: Uint8Array;
  readonly y: Uint8Array;
}

export interface AsymmetricScheme {
  readonly algorithm: 'rsassa' | 'rsapss' | 'oaep' | 'ecdsa' | 'ecdh';
  readonly hash: HashAlgorithm;
}

/** TPMA_OBJECT (TPM 2.0 part 2, 8.3). */
export const objectAttributes = {
  fixedTpm: 0x2,
  fixedParent: 0x10,
  sensitiveDataOrigin: 0x20,
  userWithAuth: 0x40,
  adminWithPolicy: 0x80,
  noDictionaryAttack: 0x400,
  restricted: 0x10000,
  decrypt: 0x20000,
  sign: 0x40000,
} as const;

/**
 * @param bytes TPMT_PUBLIC, without the size before it.
 * @throws CountersignError `TPM_STRUCTURE_MALFORMED`, or `ALGORITHM_NOT_SUPPORTED` for keys other than RSA and ECC, and
 * for hashes, curves and schemes that nothing here uses.
 */
export function parsePublicArea(bytes: Uint8Array): PublicArea {
  const reader = new TpmReader(bytes, 'TPMT_PUBLIC');
  const type = reader.u16();
  const common = {
    nameAlgorithm: readHash(reader),
    attributes: reader.u32(),
    authPolicy: reader.sized(),
    symmetricBits: readSymmetric(type, reader),
    scheme: readScheme(reader),
  };
  const area: PublicArea =
    type === algorithmIds.rsa
      ? {
          type: 'rsa',
          ...common,
          keyBits: reader.u16(),
          exponent: reader.u32(),
          modulus: reader.sized(),
        }
      : { type: 'ecc', ...common, curve: readCurve(reader), x: reader.sized(), y: reader.sized() };
  reader.end();
  return area;
}

/** @returns TPMT_PUBLIC. */
export function encodePublicArea(area: PublicArea): Uint8Array {
  const writer = new TpmWriter()
    .u16(algorithmIds[area.type])
    .u16(hashAlgorithms[area.nameAlgorithm].id)
    .u32(area.attributes)
    .sized(area.authPolicy);
  if (area.symmetricBits === undefined) writer.u16(algorithmIds.null);
  else writer.u16(algorithmIds.aes).u16(area.symmetricBits).u16(algorithmIds.cfb);
  writeScheme(writer, area.scheme);
  if (area.type === 'rsa') return writer.u16(area.keyBits).u32(area.exponent).sized(area.modulus).finish();
  return writer.u16(curves[area.curve].id).u16(algorithmIds.null).sized(area.x).sized(area.y).finish();
}

export function writeScheme(writer: TpmWriter, scheme: AsymmetricScheme | undefined): TpmWriter {
  if (scheme === undefined) return writer.u16(algorithmIds.null);
  return writer.u16(algorithmIds[scheme.algorithm]).u16(hashAlgorithms[scheme.hash].id);
}

export function readHash(reader: TpmReader): HashAlgorithm {
  const id = reader.u16();
  return findHashAlgorithm(id) ?? refuse('hash', id);
}

function readSymmetric(type: number, reader: TpmReader): CommonPublicArea['symmetricBits'] {
  if (type !== algorithmIds.rsa && type !== algorithmIds.ecc) refuse('key type', type);
  const algorithm = reader.u16();
  if (algorithm === algorithmIds.null) return undefined;
  if (algorithm !== algorithmIds.aes) refuse('symmetric algorithm', algorithm);
  const bits = reader.u16();
  const mode = reader.u16();
  if (mode !== algorithmIds.cfb) refuse('symmetric mode', mode);
  if (bits !== 128 && bits !== 192 && bits !== 256) throw reader.malformed(`an AES key has ${bits} bits`);
  return bits;
}

function readScheme(reader: TpmReader): AsymmetricScheme | undefined {
  const id = reader.u16();
  if (id === algorithmIds.null) return undefined;
  const algorithm = schemeNames.find((name) => algorithmIds[name] === id) ?? refuse('scheme', id);
  return { algorithm, hash: readHash(reader) };
}

/** TPMI_ECC_CURVE and the KDF scheme, which no key of the profiles in use has. */
function readCurve(reader: TpmReader): TpmCurve {
  const id = reader.u16();
  const curve = findCurve(id) ?? refuse('curve', id);
  const kdf = reader.u16();
  if (kdf !== algorithmIds.null) refuse('key derivation scheme', kdf);
  return curve;
}

const schemeNames = ['rsassa', 'rsapss', 'oaep', 'ecdsa', 'ecdh'] as const;

function refuse(what: string, id: number): never {
  throw new CountersignError(
    'ALGORITHM_NOT_SUPPORTED',
    `the TPM structure names the ${what} 0x${id.toString(16).padStart(4, '0')}, which is not supported`,
    'Use RSA or ECC on P-256, P-384 or P-521, with SHA-256, SHA-384 or SHA-512 and AES-CFB.',
  );
}
