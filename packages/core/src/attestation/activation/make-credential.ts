import {
  constants,
  createCipheriv,
  createHmac,
  diffieHellman,
  generateKeyPairSync,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import type { EllipticCurve } from '../../keys/elliptic-curve.ts';
import { PublicKey } from '../../keys/public-key.ts';
import { hashBytes } from '../../keys/signature-algorithm.ts';
import { endorsementRefused } from '../refusal.ts';
import type { TpmPublicArea } from '../tpm/public-area.ts';
import { concat, sized } from '../tpm/tpm-writer.ts';
import { CountersignError } from '../../errors.ts';
import { kdfa, kdfe, label } from './key-derivation.ts';

/** What TPM2_ActivateCredential takes. */
export interface Credential {
  /** TPMS_ID_OBJECT, marshalled: the contents of TPM2B_ID_OBJECT. */
  readonly credentialBlob: Uint8Array;
  /** The contents of TPM2B_ENCRYPTED_SECRET. */
  readonly encryptedSecret: Uint8Array;
}

/**
 * Encrypts a secret so that only the TPM with this endorsement key recovers it, and only if the object with this Name is
 * loaded there too (TPM 2.0 part 1, 24): TPM2_MakeCredential in software. Hash and AES key size are those of the
 * endorsement key's public area.
 * @param objectName nameAlg and digest
 * @param secret at most as many octets as the hash of the endorsement key's Name has; the caller wipes it
 * @throws CountersignError `EK_TEMPLATE_MISMATCH` if the key is no storage key; `VALUE_OUT_OF_RANGE` for the secret
 */
export function makeCredential(
  endorsementKey: TpmPublicArea,
  objectName: Uint8Array,
  secret: Uint8Array,
): Credential {
  const { nameAlgorithm: hash, symmetric } = endorsementKey;
  if (symmetric === undefined || !endorsementKey.attributes.has('decrypt')) {
    throw endorsementRefused(
      'EK_TEMPLATE_MISMATCH',
      'the endorsement key is no storage key: it lacks a symmetric algorithm, or decrypt',
      'Use an endorsement key of a default template (TCG EK Credential Profile, B.3 and B.4).',
    );
  }
  if (secret.length === 0 || secret.length > hashBytes[hash]) {
    throw new CountersignError(
      'VALUE_OUT_OF_RANGE',
      `the secret of a credential has ${secret.length} octets; expected 1 to ${hashBytes[hash]}`,
      'Give a random secret as long as the hash.',
    );
  }
  const { seed, encryptedSecret } = shareSeed(endorsementKey);
  const none = new Uint8Array();
  const storageKey = kdfa(hash, seed, 'STORAGE', objectName, none, symmetric.keyBits);
  const integrityKey = kdfa(hash, seed, 'INTEGRITY', none, none, hashBytes[hash] * 8);
  const plain = sized(secret);
  try {
    const cipher = createCipheriv(`aes-${symmetric.keyBits}-cfb`, storageKey, new Uint8Array(16));
    const encrypted = concat(cipher.update(plain), cipher.final());
    const integrity = createHmac(hash, integrityKey).update(encrypted).update(objectName).digest();
    return { credentialBlob: concat(sized(integrity), encrypted), encryptedSecret };
  } finally {
    for (const octets of [seed, storageKey, integrityKey, plain]) octets.fill(0);
  }
}

interface SharedSeed {
  readonly seed: Uint8Array;
  readonly encryptedSecret: Uint8Array;
}

/** TPM 2.0 part 1, B.10.3 and C.6.3: a seed that the TPM shares with us. */
function shareSeed({ publicKey, nameAlgorithm: hash }: TpmPublicArea): SharedSeed {
  const { curve } = publicKey;
  if (curve !== undefined) return agreeOnSeed(publicKey, curve, hash);
  const seed = randomBytes(hashBytes[hash]);
  const encryptedSecret = publicEncrypt(
    {
      key: publicKey.keyObject,
      padding: constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: hash,
      oaepLabel: label('IDENTITY'),
    },
    seed,
  );
  return { seed, encryptedSecret: Uint8Array.from(encryptedSecret) };
}

function agreeOnSeed(
  publicKey: PublicKey,
  curve: EllipticCurve,
  hash: TpmPublicArea['nameAlgorithm'],
): SharedSeed {
  const ephemeral = generateKeyPairSync('ec', { namedCurve: `P-${curve.algorithm.slice(1)}` });
  const ephemeralPublicKey = PublicKey.parse(ephemeral.publicKey.export({ format: 'der', type: 'spki' }));
  const z = diffieHellman({ privateKey: ephemeral.privateKey, publicKey: publicKey.keyObject });
  const [x, y] = coordinates(ephemeralPublicKey, curve);
  const [endorsementX] = coordinates(publicKey, curve);
  const seed = kdfe(hash, z, 'IDENTITY', x, endorsementX, hashBytes[hash] * 8);
  z.fill(0);
  return { seed, encryptedSecret: concat(sized(x), sized(y)) };
}

function coordinates(
  { subjectPublicKey }: PublicKey,
  { coordinateBytes }: EllipticCurve,
): readonly [x: Uint8Array, y: Uint8Array] {
  return [subjectPublicKey.subarray(1, 1 + coordinateBytes), subjectPublicKey.subarray(1 + coordinateBytes)];
}
