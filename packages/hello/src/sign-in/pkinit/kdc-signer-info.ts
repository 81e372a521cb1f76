import type { PublicKey, SignerInfo } from '@countersign/core';
import { DerReader, oid, sequence } from '@countersign/core/asn1';

/**
 * A KDC's signature as it was made. MIT Kerberos names sha256WithRSAEncryption whatever its key is (up to 1.21,
 * `cms_signeddata_create`): with a key on an elliptic curve that means ECDSA with the hash that digestAlgorithm names.
 * Nothing is let through by it, for the signature still has to hold under the key of the certificate.
 */
export function kdcSignerInfo(signerInfo: SignerInfo, publicKey: PublicKey): SignerInfo {
  if (publicKey.curve === undefined || algorithmOf(signerInfo.signatureAlgorithm) !== rsaWithSha256) {
    return signerInfo;
  }
  const ecdsa = ecdsaByHash.get(algorithmOf(signerInfo.digestAlgorithm));
  return ecdsa === undefined ? signerInfo : { ...signerInfo, signatureAlgorithm: sequence(oid(ecdsa)) };
}

function algorithmOf(algorithmIdentifier: Uint8Array): string {
  return DerReader.sequence(algorithmIdentifier, 'algorithm identifier').oid();
}

const rsaWithSha256 = '1.2.840.113549.1.1.11';

/** RFC 5758 3.2 by RFC 5754 2. */
const ecdsaByHash: ReadonlyMap<string, string> = new Map([
  ['2.16.840.1.101.3.4.2.1', '1.2.840.10045.4.3.2'],
  ['2.16.840.1.101.3.4.2.2', '1.2.840.10045.4.3.3'],
  ['2.16.840.1.101.3.4.2.3', '1.2.840.10045.4.3.4'],
]);
