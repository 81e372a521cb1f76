import { bitString, nullValue, oid, sequence, unsignedInteger } from '../../asn1/der-writer.ts';
import { ellipticCurves, type EllipticCurve } from '../../keys/elliptic-curve.ts';
import { PublicKey } from '../../keys/public-key.ts';
import type { HashAlgorithm } from '../../keys/signature-algorithm.ts';
import { oids } from '../../object-identifiers.ts';
import { algorithmIds, algorithmRefused, hashOf } from './algorithm-id.ts';
import type { TpmReader } from './tpm-reader.ts';
import { concat, sized, uint16, uint32 } from './tpm-writer.ts';

export interface AsymmetricParameters {
  /** The AES-CFB key size with which a storage key protects what it holds; absent for other keys. */
  readonly symmetric?: { readonly keyBits: 128 | 192 | 256 } | undefined;
  /** The one scheme that the key is for; absent if each use may choose. */
  readonly scheme?: TpmKeyScheme | undefined;
}

export type TpmKeyScheme =
  | { readonly algorithm: 'rsassa' | 'rsapss' | 'oaep' | 'ecdsa' | 'ecdh'; readonly hash: HashAlgorithm }
  | { readonly algorithm: 'rsaes' };

/** Reads `parameters` and `unique` of TPMT_PUBLIC (TPM 2.0 part 2, 12.2.3.5, 12.2.3.6). */
export function readAsymmetric(
  reader: TpmReader,
  type: typeof algorithmIds.rsa | typeof algorithmIds.ecc,
): AsymmetricParameters & { readonly publicKey: PublicKey } {
  const symmetric = readSymmetric(reader);
  if (type === algorithmIds.rsa) {
    const scheme = readScheme(reader, ['rsassa', 'rsapss', 'oaep', 'rsaes']);
    return { symmetric, scheme, publicKey: readRsa(reader) };
  }
  const scheme = readScheme(reader, ['ecdsa', 'ecdh']);
  return { symmetric, scheme, publicKey: readEcc(reader) };
}

export function encodeAsymmetric(publicKey: PublicKey, parameters: AsymmetricParameters): Uint8Array {
  const { symmetric, scheme } = parameters;
  return concat(
    symmetric === undefined
      ? uint16(algorithmIds.null)
      : concat(uint16(algorithmIds.aes), uint16(symmetric.keyBits), uint16(algorithmIds.cfb)),
    uint16(scheme === undefined ? algorithmIds.null : algorithmIds[scheme.algorithm]),
    scheme === undefined || scheme.algorithm === 'rsaes'
      ? new Uint8Array()
      : uint16(algorithmIds[scheme.hash]),
    encodeUnique(publicKey),
  );
}

function encodeUnique({ algorithm, curve, rsaModulus, subjectPublicKey }: PublicKey): Uint8Array {
  if (curve !== undefined) {
    const { coordinateBytes } = curve;
    return concat(
      uint16(curveIds[curve.algorithm]),
      uint16(algorithmIds.null),
      sized(subjectPublicKey.subarray(1, 1 + coordinateBytes)),
      sized(subjectPublicKey.subarray(1 + coordinateBytes)),
    );
  }
  if (rsaModulus === undefined) throw algorithmRefused(0, `the ${algorithm} key`, 'RSA or a NIST curve');
  return concat(uint16(rsaModulus.length * 8), uint32(0), sized(rsaModulus));
}

/** TPMT_SYM_DEF_OBJECT. */
function readSymmetric(reader: TpmReader): AsymmetricParameters['symmetric'] {
  const id = reader.uint16();
  if (id === algorithmIds.null) return undefined;
  if (id !== algorithmIds.aes) throw algorithmRefused(id, 'the symmetric algorithm of the TPM object', 'AES');
  const keyBits = reader.uint16();
  const mode = reader.uint16();
  if (mode !== algorithmIds.cfb) throw algorithmRefused(mode, 'the symmetric mode of the TPM object', 'CFB');
  if (keyBits !== 128 && keyBits !== 192 && keyBits !== 256) {
    throw reader.malformed(`an AES key has ${keyBits} bits`);
  }
  return { keyBits };
}

/** TPMT_RSA_SCHEME or TPMT_ECC_SCHEME. */
function readScheme(
  reader: TpmReader,
  accepted: readonly TpmKeyScheme['algorithm'][],
): TpmKeyScheme | undefined {
  const id = reader.uint16();
  if (id === algorithmIds.null) return undefined;
  const algorithm = accepted.find((name) => algorithmIds[name] === id);
  if (algorithm === undefined) {
    throw algorithmRefused(id, 'the scheme of the TPM object', `none, or one of ${accepted.join(', ')}`);
  }
  return algorithm === 'rsaes'
    ? { algorithm }
    : { algorithm, hash: hashOf(reader.uint16(), 'the hash in the scheme of the TPM object') };
}

function readRsa(reader: TpmReader): PublicKey {
  const keyBits = reader.uint16();
  // TPM 2.0 part 2, 12.2.3.5: an exponent of zero stands for 2^16 + 1.
  const writtenExponent = reader.uint32();
  const exponent = writtenExponent === 0 ? 65537 : writtenExponent;
  const modulus = reader.sized(512);
  if (modulus.length * 8 !== keyBits) {
    throw reader.malformed(`a modulus of ${modulus.length} octets belongs to a key of ${keyBits} bits`);
  }
  return PublicKey.parse(
    sequence(
      sequence(oid(oids.rsaEncryption), nullValue()),
      bitString(sequence(unsignedInteger(modulus), unsignedInteger(uint32(exponent)))),
    ),
  );
}

function readEcc(reader: TpmReader): PublicKey {
  const id = reader.uint16();
  const curve = ellipticCurves.find(({ algorithm }) => curveIds[algorithm] === id);
  if (curve === undefined) throw algorithmRefused(id, 'the curve of the TPM object', 'P-256, P-384 or P-521');
  // TPMT_KDF_SCHEME is "currently always NULL" for keys (12.2.3.6).
  const kdf = reader.uint16();
  if (kdf !== algorithmIds.null) throw algorithmRefused(kdf, 'the key derivation of the TPM object', 'none');
  const x = readCoordinate(reader, curve);
  const y = readCoordinate(reader, curve);
  return PublicKey.parse(
    sequence(sequence(oid(oids.ecPublicKey), oid(curve.oid)), bitString(concat(Uint8Array.of(0x04), x, y))),
  );
}

/** Some TPMs leave leading zeros out. */
function readCoordinate(reader: TpmReader, { coordinateBytes }: EllipticCurve): Uint8Array {
  const octets = reader.sized(coordinateBytes);
  return concat(new Uint8Array(coordinateBytes - octets.length), octets);
}

/** TPM_ECC_CURVE (TPM 2.0 part 2, 6.4). */
const curveIds = { p256: 0x0003, p384: 0x0004, p521: 0x0005 } as const;
