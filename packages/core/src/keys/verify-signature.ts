import { constants, verify } from 'node:crypto';
import { DerReader } from '../asn1/der-reader.ts';
import { CountersignError } from '../errors.ts';
import { toBigInt } from './elliptic-curve.ts';
import type { PublicKey } from './public-key.ts';
import { hashBytes, schemeFacts, schemesOf } from './signature-algorithm.ts';
import type { SignatureScheme } from './signature-scheme.ts';

/**
 * Verifies a signature in the form that X.509 has it: ECDSA as DER `ECDSA-Sig-Value` (RFC 3279 2.2.3), RSA as long as
 * the modulus (RFC 8017 8.1.2, 8.2.2), RSASSA-PSS with a salt exactly as long as the hash.
 * @returns whether the signature is right; a signature of another form is simply wrong
 * @throws CountersignError `SCHEME_NOT_SUPPORTED` if keys of this type do not make such signatures
 */
export function verifySignature(
  publicKey: PublicKey,
  scheme: SignatureScheme,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (!schemesOf(publicKey.algorithm).includes(scheme)) {
    throw new CountersignError(
      'SCHEME_NOT_SUPPORTED',
      `the signature claims ${scheme}, the key that should have made it is ${publicKey.algorithm}`,
      'Sign with a scheme that belongs to the key.',
      { adcs: 'NTE_BAD_SIGNATURE' },
    );
  }
  const { family, hash } = schemeFacts(scheme);
  const key = publicKey.keyObject;
  switch (family) {
    case 'ecdsa':
      return (
        isStrictEcdsaSigValue(publicKey, signature) &&
        verify(hash, message, { key, dsaEncoding: 'der' }, signature)
      );
    case 'rsa-pkcs1':
      return (
        signature.length === publicKey.rsaModulusBytes &&
        verify(hash, message, { key, padding: constants.RSA_PKCS1_PADDING }, signature)
      );
    case 'rsa-pss':
      return (
        signature.length === publicKey.rsaModulusBytes &&
        verify(
          hash,
          message,
          {
            key,
            padding: constants.RSA_PKCS1_PSS_PADDING,
            saltLength: hash === undefined ? 0 : hashBytes[hash],
          },
          signature,
        )
      );
    case 'ed25519':
      return signature.length === 64 && verify(undefined, message, key, signature);
  }
}

/** SEQUENCE of two INTEGERs from 1 to n - 1, in DER and with nothing after (FIPS 186-5 6.4.2, step 1). */
function isStrictEcdsaSigValue(publicKey: PublicKey, signature: Uint8Array): boolean {
  const curve = publicKey.curve;
  if (curve === undefined) return false;
  try {
    const reader = DerReader.sequence(signature, 'ECDSA signature');
    const r = toBigInt(reader.unsignedInteger());
    const s = toBigInt(reader.unsignedInteger());
    reader.end();
    return r > 0n && s > 0n && r < curve.n && s < curve.n;
  } catch (error) {
    if (error instanceof CountersignError) return false;
    throw error;
  }
}
