import { createHash } from 'node:crypto';
import { CountersignError, verifySignature, type PublicKey, type SignatureScheme } from '@countersign/core';
import type { Mechanism } from 'pkcs11js';
import * as ck from './cryptoki.ts';
import { sequence, unsignedInteger } from './der.ts';

/** CK_PARAMS_RSA_PSS of pkcs11js. */
const pssParameterType = 5;

/**
 * A signature to be made: what the token gets, and what it must give. Everything is settled here, from a copy: whatever
 * the caller does to its buffer while the token works, what was given is what is signed and verified.
 */
export class SignatureRequest {
  readonly mechanism: Mechanism;
  /** What C_Sign gets: a digest, a DigestInfo, or for Ed25519 the message. */
  readonly input: Buffer;
  /** Octets of what C_Sign returns. */
  readonly rawSignatureBytes: number;
  readonly #publicKey: PublicKey;
  readonly #scheme: SignatureScheme;
  readonly #message: Uint8Array;

  constructor(publicKey: PublicKey, scheme: SignatureScheme, message: Uint8Array) {
    this.#publicKey = publicKey;
    this.#scheme = scheme;
    this.#message = Uint8Array.from(message);
    this.mechanism = mechanismOf(scheme);
    this.input = inputOf(publicKey, scheme, this.#message);
    const { curve, rsaModulusBytes } = publicKey;
    this.rawSignatureBytes = rsaModulusBytes ?? 2 * (curve?.coordinateBytes ?? 32);
  }

  /**
   * @param raw what C_Sign returned
   * @returns the signature as X.509 wants it
   * @throws CountersignError `TOKEN_FAILED` if it is not a signature by this key: a fault must not leave the provider
   */
  accept(raw: Uint8Array): Uint8Array {
    if (raw.length !== this.rawSignatureBytes) {
      throw faulty(`${raw.length} octets where a signature has ${this.rawSignatureBytes}`);
    }
    const signature = this.#publicKey.curve === undefined ? Uint8Array.from(raw) : ecdsaSigValue(raw);
    if (verifySignature(this.#publicKey, this.#scheme, this.#message, signature)) return signature;
    throw faulty('a signature that the public key does not verify');
  }
}

function inputOf(publicKey: PublicKey, scheme: SignatureScheme, message: Uint8Array): Buffer {
  const hash = /sha\d+$/.exec(scheme)?.[0];
  if (hash === undefined) return withAddress(message);
  const digest = createHash(hash).update(message).digest();
  if (scheme.startsWith('rsa-pkcs1')) return Buffer.concat([digestInfoPrefix(hash), digest]);
  // FIPS 186-5 6.4.1: the leftmost bits, as many as the order has; tokens differ in whether they cut it themselves.
  return publicKey.curve === undefined ? digest : digest.subarray(0, publicKey.curve.coordinateBytes);
}

/** An empty buffer reaches the module as a null pointer, which SoftHSM refuses: it gets a view of one that is not empty. */
function withAddress(message: Uint8Array): Buffer {
  const buffer = Buffer.alloc(message.length + 1);
  buffer.set(message);
  return buffer.subarray(0, message.length);
}

/** RFC 8017 9.2 note 1. */
function digestInfoPrefix(hash: string): Buffer {
  const prefixes: Readonly<Record<string, string>> = {
    sha256: '3031300d060960864801650304020105000420',
    sha384: '3041300d060960864801650304020205000430',
    sha512: '3051300d060960864801650304020305000440',
  };
  return Buffer.from(prefixes[hash] ?? '', 'hex');
}

function mechanismOf(scheme: SignatureScheme): Mechanism {
  switch (scheme) {
    case 'ecdsa-sha256':
    case 'ecdsa-sha384':
    case 'ecdsa-sha512':
      return { mechanism: ck.CKM_ECDSA };
    case 'rsa-pkcs1-sha256':
    case 'rsa-pkcs1-sha384':
    case 'rsa-pkcs1-sha512':
      return { mechanism: ck.CKM_RSA_PKCS };
    case 'rsa-pss-sha256':
      return pss(ck.CKM_SHA256, ck.CKG_MGF1_SHA256, 32);
    case 'rsa-pss-sha384':
      return pss(ck.CKM_SHA384, ck.CKG_MGF1_SHA384, 48);
    case 'rsa-pss-sha512':
      return pss(ck.CKM_SHA512, ck.CKG_MGF1_SHA512, 64);
    case 'ed25519':
      return { mechanism: ck.CKM_EDDSA };
  }
}

function pss(hashAlg: number, mgf: number, saltLen: number): Mechanism {
  const parameter = { type: pssParameterType, hashAlg, mgf, saltLen };
  return { mechanism: ck.CKM_RSA_PKCS_PSS, parameter };
}

/** RFC 3279 2.2.3, from the two halves that PKCS #11 returns. */
function ecdsaSigValue(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2;
  return Uint8Array.from(
    sequence(unsignedInteger(raw.subarray(0, half)), unsignedInteger(raw.subarray(half))),
  );
}

function faulty(found: string): CountersignError {
  return new CountersignError(
    'TOKEN_FAILED',
    `C_Sign returned CKR_OK and ${found}; it was discarded`,
    'Try again. If it stays, the token or its module is faulty or under attack: stop using it.',
  );
}
