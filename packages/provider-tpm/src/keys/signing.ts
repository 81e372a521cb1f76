import { constants, createHash, verify } from 'node:crypto';
import {
  CountersignError,
  schemesOf,
  verifySignature,
  type KeyAlgorithm,
  type PublicKey,
  type SignatureScheme,
} from '@countersign/core';
import { sequence, unsignedInteger } from '@countersign/core/asn1';
import type { HashAlgorithm, SignatureScheme as TpmScheme, TpmSignature } from '../session/index.ts';

/** The schemes that a key signs with in a TPM that has these hashes. */
export function schemesIn(
  algorithm: KeyAlgorithm,
  hashes: ReadonlySet<HashAlgorithm>,
): readonly SignatureScheme[] {
  return schemesOf(algorithm).filter((scheme) => hashes.has(tpmSchemeOf(scheme).hash));
}

/**
 * A signature to be made: what the TPM gets, and what it must give. Everything is settled here, from a copy, whatever the
 * caller does to its buffer meanwhile.
 */
export class SigningRequest {
  readonly scheme: TpmScheme;
  readonly digest: Uint8Array;
  readonly #publicKey: PublicKey;
  readonly #scheme: SignatureScheme;
  readonly #message: Uint8Array;

  constructor(publicKey: PublicKey, scheme: SignatureScheme, message: Uint8Array) {
    this.#publicKey = publicKey;
    this.#scheme = scheme;
    this.#message = Uint8Array.from(message);
    this.scheme = tpmSchemeOf(scheme);
    this.digest = createHash(this.scheme.hash).update(this.#message).digest();
  }

  /**
   * @returns the signature as X.509 wants it
   * @throws CountersignError `TPM_RESPONSE_NOT_AUTHENTIC` if it is not a signature by this key: a fault must not leave the
   *   provider; `SCHEME_NOT_SUPPORTED` if the TPM salts RSASSA-PSS otherwise than X.509 says it is salted
   */
  accept(made: TpmSignature): Uint8Array {
    const signature = signatureOctets(made);
    if (verifySignature(this.#publicKey, this.#scheme, this.#message, signature)) return signature;
    if (this.scheme.algorithm === 'rsapss' && this.#holdsWithAnySalt(signature))
      throw otherSalt(this.#scheme);
    throw new CountersignError(
      'TPM_RESPONSE_NOT_AUTHENTIC',
      'TPM2_Sign returned a signature that the public key does not verify; it was discarded',
      'Try again. If it stays, the TPM is faulty or under attack: stop using it.',
    );
  }

  /** TPM 2.0 part 1, B.7: the salt is as long as the hash where FIPS asks for it, elsewhere as long as fits. */
  #holdsWithAnySalt(signature: Uint8Array): boolean {
    const options = {
      key: this.#publicKey.keyObject,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_AUTO,
    };
    return verify(this.scheme.hash, this.#message, options, signature);
  }
}

/** A signature as X.509 has it, whether it is right or not. */
export function signatureOctets(made: TpmSignature): Uint8Array {
  return made.algorithm === 'ecdsa'
    ? sequence(unsignedInteger(made.r), unsignedInteger(made.s))
    : Uint8Array.from(made.signature);
}

function tpmSchemeOf(scheme: SignatureScheme): TpmScheme {
  const hash = hashes.find((name) => scheme.endsWith(name));
  if (hash === undefined) throw new Error(`no TPM signs with ${scheme}`);
  if (scheme.startsWith('ecdsa')) return { algorithm: 'ecdsa', hash };
  return { algorithm: scheme.startsWith('rsa-pss') ? 'rsapss' : 'rsassa', hash };
}

const hashes = ['sha256', 'sha384', 'sha512'] as const;

function otherSalt(scheme: string): CountersignError {
  return new CountersignError(
    'SCHEME_NOT_SUPPORTED',
    `this TPM makes ${scheme} signatures with a salt of another length than the hash, which X.509 readers refuse`,
    'Sign with one of the rsa-pkcs1 schemes.',
  );
}
