import { createHash } from 'node:crypto';
import { DerReader } from '../../asn1/der-reader.ts';
import type { SignedData } from '../../cms/parse-signed-data.ts';

/**
 * Tells one countersignature from every other: SHA-256 over what the agent signed and what the agent alone could have
 * made of the signature. The rest of the message can be rewritten by whoever has seen it and still holds: certificates
 * added, parameters NULL or absent, and (r, n - s) in place of the ECDSA signature (r, s).
 * @param signedData verified
 */
export function countersignatureDigest({ signerCertificate, signerInfo }: SignedData): string {
  const { signedOctets, signature } = signerInfo;
  const isEcdsa = signerCertificate.publicKey.curve !== undefined;
  const unalterable = isEcdsa ? DerReader.sequence(signature, 'ECDSA signature').integer() : signature;
  return createHash('sha256').update(signedOctets).update(unalterable).digest('hex');
}
