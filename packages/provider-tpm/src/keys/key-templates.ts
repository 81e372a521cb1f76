import { CountersignError, type KeyAlgorithm } from '@countersign/core';
import { encodePublicArea, objectAttributes } from '../session/index.ts';

const {
  fixedTpm,
  fixedParent,
  sensitiveDataOrigin,
  userWithAuth,
  noDictionaryAttack,
  restricted,
  decrypt,
  sign,
} = objectAttributes;
const madeHere = fixedTpm | fixedParent | sensitiveDataOrigin | userWithAuth;
const empty = new Uint8Array();

/** The shape of a signing key: of the TPM's own making, never to leave it, to sign what it is given. */
export function signingKeyTemplate(algorithm: KeyAlgorithm, guardedByPin: boolean): Uint8Array {
  const common = {
    nameAlgorithm: 'sha256',
    // A key without an authValue has nothing to guess.
    attributes: madeHere | sign | (guardedByPin ? 0 : noDictionaryAttack),
    authPolicy: empty,
    symmetricBits: undefined,
    scheme: undefined,
  } as const;
  switch (algorithm) {
    case 'p256':
    case 'p384':
    case 'p521':
      return encodePublicArea({ type: 'ecc', ...common, curve: algorithm, x: empty, y: empty });
    case 'rsa2048':
    case 'rsa3072':
    case 'rsa4096': {
      const keyBits = Number(algorithm.slice(3));
      return encodePublicArea({ type: 'rsa', ...common, keyBits, exponent: 0, modulus: empty });
    }
    case 'ed25519':
      throw new CountersignError(
        'ALGORITHM_NOT_SUPPORTED',
        'a TPM makes no Ed25519 keys',
        'Choose one of the algorithms in info.algorithms, such as p256.',
      );
  }
}

/**
 * The storage root key of TCG's TPM 2.0 provisioning guidance (7.5.1), which is also the primary key that the TSS2 private
 * key format means by a hierarchy as parent.
 */
export const storageRootKeyTemplate = encodePublicArea({
  type: 'ecc',
  nameAlgorithm: 'sha256',
  attributes: madeHere | noDictionaryAttack | restricted | decrypt,
  authPolicy: empty,
  symmetricBits: 128,
  scheme: undefined,
  curve: 'p256',
  x: empty,
  y: empty,
});
