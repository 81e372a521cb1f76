import {
  constants,
  createHash,
  createPublicKey,
  generateKeyPairSync,
  sign,
  type KeyObject,
  type SigningOptions,
} from 'node:crypto';

/**
 * What a TPM does with keys and attestations, in software and with every field at a test's disposal. It marshals by itself,
 * apart from the readers and writers that are tested.
 */

/** Bits of TPMA_OBJECT (TPM 2.0 part 2, 8.3.2). */
export const attributeBits = {
  fixedTPM: 1 << 1,
  stClear: 1 << 2,
  fixedParent: 1 << 4,
  sensitiveDataOrigin: 1 << 5,
  userWithAuth: 1 << 6,
  adminWithPolicy: 1 << 7,
  noDA: 1 << 10,
  encryptedDuplication: 1 << 11,
  restricted: 1 << 16,
  decrypt: 1 << 17,
  sign: 1 << 18,
} as const;

export type AttributeName = keyof typeof attributeBits;

const kept = ['fixedTPM', 'fixedParent', 'sensitiveDataOrigin'] as const;
export const userKeyAttributes: readonly AttributeName[] = [...kept, 'userWithAuth', 'sign'];
export const attestationKeyAttributes: readonly AttributeName[] = [
  ...kept,
  'userWithAuth',
  'restricted',
  'sign',
];
export const endorsementKeyAttributes: readonly AttributeName[] = [
  ...kept,
  'adminWithPolicy',
  'restricted',
  'decrypt',
];

export type SoftwareAlgorithm = 'rsa2048' | 'p256' | 'p384' | 'p521';
export type Hash = 'sha256' | 'sha384' | 'sha512';
export const hashIds = { sha256: 0x000b, sha384: 0x000c, sha512: 0x000d } as const;

export interface TpmKeyFields {
  readonly algorithm?: SoftwareAlgorithm;
  readonly attributes?: readonly AttributeName[];
  readonly nameHash?: Hash;
  readonly policy?: Uint8Array;
  /** AES-CFB key bits of a storage key. */
  readonly symmetricBits?: number;
  /** TPMT_RSA_SCHEME or TPMT_ECC_SCHEME, marshalled; none if absent. */
  readonly scheme?: Uint8Array;
}

export interface TpmKey {
  readonly privateKey: KeyObject;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** TPMT_PUBLIC. */
  readonly area: Uint8Array;
  readonly name: Uint8Array;
}

export function createTpmKey(fields: TpmKeyFields = {}): TpmKey {
  const { algorithm = 'p256' } = fields;
  const { privateKey, publicKey } =
    algorithm === 'rsa2048'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: `P-${algorithm.slice(1)}` });
  return { privateKey, ...describe(publicKey, fields) };
}

/** The same key pair with another public area. */
export function redescribed({ privateKey, publicKey }: TpmKey, fields: TpmKeyFields): TpmKey {
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  return { privateKey, ...describe(key, fields) };
}

export function nameOf(area: Uint8Array, hash: Hash = 'sha256'): Uint8Array {
  return join(u16(hashIds[hash]), createHash(hash).update(area).digest());
}

export interface AttestFields {
  readonly magic?: number;
  readonly type?: number;
  readonly extraData: Uint8Array;
  readonly name: Uint8Array;
  readonly safe?: number;
  /** TPMU_ATTEST; the Name and a qualified Name if absent. */
  readonly attested?: Uint8Array;
}

/** TPMS_ATTEST, of TPM2_Certify unless the fields say otherwise. */
export function certifyInfo(fields: AttestFields): Uint8Array {
  const { magic = 0xff544347, type = 0x8017, extraData, name, safe = 1 } = fields;
  return join(
    u32(magic),
    u16(type),
    sized(join(u16(0x000b), new Uint8Array(32).fill(7))),
    sized(extraData),
    u64(123456n),
    u32(3),
    u32(1),
    Uint8Array.of(safe),
    u64(0x2019102300163636n),
    fields.attested ?? join(sized(name), sized(join(u16(0x000b), new Uint8Array(32).fill(8)))),
  );
}

export type TpmScheme = 'rsassa' | 'rsapss' | 'rsapss-longest-salt' | 'ecdsa';

/** TPMT_SIGNATURE. */
export function tpmSignature(
  { privateKey }: Pick<TpmKey, 'privateKey'>,
  scheme: TpmScheme,
  message: Uint8Array,
  hash: Hash = 'sha256',
  saltLength?: number,
): Uint8Array {
  if (scheme === 'ecdsa') {
    const value = sign(hash, message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    const half = value.length / 2;
    return join(u16(0x0018), u16(hashIds[hash]), sized(value.subarray(0, half)), sized(value.subarray(half)));
  }
  const options: SigningOptions =
    scheme === 'rsassa'
      ? { padding: constants.RSA_PKCS1_PADDING }
      : {
          padding: constants.RSA_PKCS1_PSS_PADDING,
          saltLength:
            saltLength ??
            (scheme === 'rsapss' ? constants.RSA_PSS_SALTLEN_DIGEST : constants.RSA_PSS_SALTLEN_MAX_SIGN),
        };
  const value = sign(hash, message, { key: privateKey, ...options });
  return join(u16(scheme === 'rsassa' ? 0x0014 : 0x0016), u16(hashIds[hash]), sized(value));
}

function describe(publicKey: KeyObject, fields: TpmKeyFields): Omit<TpmKey, 'privateKey'> {
  const { attributes = userKeyAttributes, nameHash = 'sha256', policy = new Uint8Array() } = fields;
  const jwk = publicKey.export({ format: 'jwk' });
  const isRsa = jwk.kty === 'RSA';
  const area = join(
    u16(isRsa ? 0x0001 : 0x0023),
    u16(hashIds[nameHash]),
    u32(attributes.reduce((bits, attribute) => bits | attributeBits[attribute], 0)),
    sized(policy),
    fields.symmetricBits === undefined
      ? u16(0x0010)
      : join(u16(0x0006), u16(fields.symmetricBits), u16(0x0043)),
    fields.scheme ?? u16(0x0010),
    isRsa
      ? join(u16(2048), u32(0), sized(base64(jwk.n)))
      : join(u16(curveIds.get(jwk.crv ?? '') ?? 0), u16(0x0010), sized(base64(jwk.x)), sized(base64(jwk.y))),
  );
  return {
    publicKey: Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' })),
    area,
    name: nameOf(area, nameHash),
  };
}

const curveIds: ReadonlyMap<string, number> = new Map([
  ['P-256', 3],
  ['P-384', 4],
  ['P-521', 5],
]);

function base64(text: string | undefined): Uint8Array {
  return Buffer.from(text ?? '', 'base64url');
}

export function u16(value: number): Uint8Array {
  const octets = Buffer.alloc(2);
  octets.writeUInt16BE(value);
  return octets;
}

export function u32(value: number): Uint8Array {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value >>> 0);
  return octets;
}

function u64(value: bigint): Uint8Array {
  const octets = Buffer.alloc(8);
  octets.writeBigUInt64BE(value);
  return octets;
}

export function sized(octets: Uint8Array): Uint8Array {
  return join(u16(octets.length), octets);
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
