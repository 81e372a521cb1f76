import { constants, verify } from 'node:crypto';
import { sequence, unsignedInteger } from '../../asn1/der-writer.ts';
import type { PublicKey } from '../../keys/public-key.ts';
import { hashBytes, schemesOf, type HashAlgorithm } from '../../keys/signature-algorithm.ts';
import { verifySignature } from '../../keys/verify-signature.ts';
import { algorithmIds, algorithmRefused, hashOf } from './algorithm-id.ts';
import { TpmReader } from './tpm-reader.ts';
import { concat, sized, uint16 } from './tpm-writer.ts';

/** TPMT_SIGNATURE (TPM 2.0 part 2, 11.3.4) of the schemes that are accepted. */
export type TpmSignature =
  | {
      readonly scheme: 'rsassa' | 'rsapss';
      readonly hash: HashAlgorithm;
      /** As long as the modulus. */
      readonly signature: Uint8Array;
    }
  | {
      readonly scheme: 'ecdsa';
      readonly hash: HashAlgorithm;
      /** Big-endian, leading zeros or not. */
      readonly r: Uint8Array;
      readonly s: Uint8Array;
    };

/**
 * @param bytes TPMT_SIGNATURE and nothing around it
 * @throws CountersignError `ATTESTATION_MALFORMED`; `ATTESTATION_ALGORITHM_REFUSED` for SHA-1, ECDAA, HMAC and the like
 */
export function parseTpmSignature(bytes: Uint8Array): TpmSignature {
  const reader = new TpmReader(bytes, 'TPMT_SIGNATURE');
  const id = reader.uint16();
  const scheme = schemes.find((name) => algorithmIds[name] === id);
  if (scheme === undefined) throw algorithmRefused(id, 'the signature scheme', 'RSASSA, RSAPSS or ECDSA');
  const hash = hashOf(reader.uint16(), 'the hash of the signature');
  const signature: TpmSignature =
    scheme === 'ecdsa'
      ? { scheme, hash, r: reader.sized(66), s: reader.sized(66) }
      : { scheme, hash, signature: reader.sized(512) };
  reader.end();
  return signature;
}

/** @returns TPMT_SIGNATURE, marshalled */
export function encodeTpmSignature(signature: TpmSignature): Uint8Array {
  const head = concat(uint16(algorithmIds[signature.scheme]), uint16(algorithmIds[signature.hash]));
  return signature.scheme === 'ecdsa'
    ? concat(head, sized(signature.r), sized(signature.s))
    : concat(head, sized(signature.signature));
}

/** Whether the key made the signature; one of another kind of key is simply wrong. */
export function isTpmSignatureValid(
  publicKey: PublicKey,
  signature: TpmSignature,
  message: Uint8Array,
): boolean {
  const { scheme, hash } = signature;
  const isEcdsa = scheme === 'ecdsa';
  const name = isEcdsa
    ? (`ecdsa-${hash}` as const)
    : (`rsa-${scheme === 'rsassa' ? 'pkcs1' : 'pss'}-${hash}` as const);
  if (!schemesOf(publicKey.algorithm).includes(name)) return false;
  if (isEcdsa) {
    const value = sequence(unsignedInteger(signature.r), unsignedInteger(signature.s));
    return verifySignature(publicKey, name, message, value);
  }
  return (
    verifySignature(publicKey, name, message, signature.signature) ||
    (scheme === 'rsapss' && hasLongestSalt(publicKey, hash, message, signature.signature))
  );
}

/**
 * TPM 2.0 part 1, B.7: TPMs of before revision 1.38, and some since, take the longest salt there is room for instead of
 * one as long as the hash. No other length is accepted.
 */
function hasLongestSalt(
  publicKey: PublicKey,
  hash: HashAlgorithm,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const { rsaModulusBytes } = publicKey;
  if (rsaModulusBytes === undefined || signature.length !== rsaModulusBytes) return false;
  const saltLength = rsaModulusBytes - hashBytes[hash] - 2;
  const key = { key: publicKey.keyObject, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
  return verify(hash, message, key, signature);
}

const schemes = ['rsassa', 'rsapss', 'ecdsa'] as const;
