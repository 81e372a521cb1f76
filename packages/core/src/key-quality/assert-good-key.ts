import { CountersignError, type ErrorCode } from '../errors.ts';
import { toBigInt } from '../keys/elliptic-curve.ts';
import { keyAlgorithms, type KeyAlgorithm } from '../keys/key-algorithm.ts';
import type { PublicKey } from '../keys/public-key.ts';
import { hasCloseFactors } from './fermat.ts';
import { isRocaFingerprinted } from './roca.ts';
import { smallFactorOf } from './small-factors.ts';

/** Which keys may be certified, beyond being sound. */
export interface KeyPolicy {
  /** Every algorithm that core knows, if absent. */
  readonly algorithms?: readonly KeyAlgorithm[];
  /**
   * Whether a key must not be certified: known to be compromised, taken from an example, made by a faulty device.
   * @param keyId SHA-256 of the SubjectPublicKeyInfo, lower-case hex
   */
  readonly isBlocked?: (keyId: string) => boolean | Promise<boolean>;
}

/**
 * Refuses public keys whose private keys others can find. Octets were validated by `PublicKey.parse`: sizes, the exponent
 * 65537, named curves, points on them. Here it is about how a key was generated (after Boulder's goodkey): RSA moduli with
 * a small factor, with the fingerprint of ROCA (CVE-2017-15361), or with factors so close that Fermat finds them.
 * @throws CountersignError `KEY_NOT_ACCEPTABLE` for an algorithm that the policy does not list, `KEY_BLOCKED`,
 *   `KEY_HAS_SMALL_FACTOR`, `KEY_HAS_ROCA`, `KEY_HAS_CLOSE_FACTORS`, and what `isBlocked` throws
 */
export async function assertGoodKey(publicKey: PublicKey, policy: KeyPolicy = {}): Promise<void> {
  const { algorithms = keyAlgorithms, isBlocked } = policy;
  if (!algorithms.includes(publicKey.algorithm)) {
    throw refused(
      'KEY_NOT_ACCEPTABLE',
      `is ${publicKey.algorithm}; the policy allows ${algorithms.join(', ')}`,
      publicKey,
    );
  }
  if (publicKey.rsaModulus !== undefined) assertGoodModulus(toBigInt(publicKey.rsaModulus), publicKey);
  if (isBlocked !== undefined && (await isBlocked(publicKey.keyId))) {
    throw refused('KEY_BLOCKED', 'is on the list of blocked keys', publicKey);
  }
}

function assertGoodModulus(modulus: bigint, publicKey: PublicKey): void {
  const factor = smallFactorOf(modulus);
  if (factor !== undefined) {
    throw refused('KEY_HAS_SMALL_FACTOR', `has an RSA modulus that ${factor} divides`, publicKey);
  }
  if (isRocaFingerprinted(modulus)) {
    throw refused(
      'KEY_HAS_ROCA',
      'has an RSA modulus as the generators with ROCA (CVE-2017-15361) make it',
      publicKey,
    );
  }
  if (hasCloseFactors(modulus)) {
    throw refused(
      'KEY_HAS_CLOSE_FACTORS',
      'has an RSA modulus whose factors lie too close together',
      publicKey,
    );
  }
}

function refused(code: ErrorCode, found: string, { keyId }: PublicKey): CountersignError {
  return new CountersignError(
    code,
    `the public key (SHA-256 ${keyId}) ${found}`,
    'Generate a new key pair, with another device or library if this one keeps making such keys.',
    { adcs: 'CERTSRV_E_KEY_LENGTH' },
  );
}
