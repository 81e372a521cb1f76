import { CountersignError } from '@countersign/core';
import type { AuthorizedEntity } from '../session/commands/authorized-entity.ts';
import { create, createPrimary, load, type KeyBlobs } from '../session/commands/objects.ts';
import type { PublicObject } from '../session/commands/read-public.ts';
import type { SignatureScheme } from '../session/commands/signatures.ts';
import { handleType } from '../session/entity.ts';
import { encodePublicArea, objectAttributes, parsePublicArea } from '../session/public-area.ts';
import type { SessionPool } from '../session/session-pool.ts';

/** ECDSA or RSASSA, both with SHA-256. */
export type AttestationKeyAlgorithm = 'p256' | 'rsa2048';

export interface AttestationKeyOptions {
  /** `p256` if absent. */
  readonly algorithm?: AttestationKeyAlgorithm;
  /** Empty if absent. The caller wipes it. */
  readonly authValue?: Uint8Array;
}

/** A new attestation key, loaded. The caller flushes it. */
export type NewAttestationKey = PublicObject &
  (
    | {
        /** Made from the seed of a hierarchy: the same call makes the same key again. */
        readonly kind: 'primary';
      }
    | {
        readonly kind: 'child';
        /** To be kept, and loaded under the same parent. */
        readonly blobs: KeyBlobs;
      }
  );

/**
 * Makes a key that signs what the TPM says and nothing else.
 * @param parent a storage key such as the SRK, or a hierarchy
 * @throws what the TPM refuses
 */
export async function createAttestationKey(
  pool: SessionPool,
  parent: AuthorizedEntity,
  { algorithm = 'p256', authValue = new Uint8Array() }: AttestationKeyOptions = {},
): Promise<NewAttestationKey> {
  const template = { publicArea: attestationKeyTemplate(algorithm), authValue };
  if (handleType(parent.handle) === permanentHandleType) {
    return { kind: 'primary', ...(await createPrimary(pool, parent, template)) };
  }
  const { privateArea, publicArea } = await create(pool, parent, template);
  const blobs = { privateArea, publicArea };
  return { kind: 'child', ...(await load(pool, parent, blobs)), blobs };
}

/**
 * TPMT_PUBLIC of an attestation key before it is made: restricted, born in the TPM and kept there. Wrong authValues of it
 * do not count against the dictionary attack protection, so that nobody can lock the user's own keys with them.
 */
export function attestationKeyTemplate(algorithm: AttestationKeyAlgorithm): Uint8Array {
  const { fixedTpm, fixedParent, sensitiveDataOrigin, userWithAuth } = objectAttributes;
  const { noDictionaryAttack, restricted, sign } = objectAttributes;
  const empty = new Uint8Array();
  const common = {
    nameAlgorithm: 'sha256',
    attributes:
      fixedTpm | fixedParent | sensitiveDataOrigin | userWithAuth | noDictionaryAttack | restricted | sign,
    authPolicy: empty,
    symmetricBits: undefined,
  } as const;
  return algorithm === 'rsa2048'
    ? encodePublicArea({
        type: 'rsa',
        ...common,
        scheme: { algorithm: 'rsassa', hash: 'sha256' },
        keyBits: 2048,
        exponent: 0,
        modulus: empty,
      })
    : encodePublicArea({
        type: 'ecc',
        ...common,
        scheme: { algorithm: 'ecdsa', hash: 'sha256' },
        curve: 'p256',
        x: empty,
        y: empty,
      });
}

/**
 * The scheme that a restricted signing key has in its public area, the only one that it signs with.
 * @param publicArea TPMT_PUBLIC
 * @throws CountersignError `ATTESTATION_ATTRIBUTES_REFUSED`; what parsing the public area throws
 */
export function attestationScheme(publicArea: Uint8Array): SignatureScheme {
  const { attributes, scheme } = parsePublicArea(publicArea);
  const { restricted, sign, decrypt } = objectAttributes;
  if (
    scheme !== undefined &&
    scheme.algorithm !== 'oaep' &&
    scheme.algorithm !== 'ecdh' &&
    (attributes & (restricted | sign | decrypt)) === (restricted | sign)
  ) {
    return { algorithm: scheme.algorithm, hash: scheme.hash };
  }
  throw new CountersignError(
    'ATTESTATION_ATTRIBUTES_REFUSED',
    `the key that was to sign is no attestation key: its attributes are 0x${attributes.toString(16)}, its scheme is ${scheme?.algorithm ?? 'free'}`,
    'Make a restricted signing key: createAttestationKey does.',
    { adcs: 'CERTSRV_E_KEY_ATTESTATION' },
  );
}

/** TPM_HT_PERMANENT. */
const permanentHandleType = 0x40;
