import type { DerReader } from '../asn1/der-reader.ts';
import { bitString, sequence } from '../asn1/der-writer.ts';
import { tag } from '../asn1/tag.ts';
import type { Key } from '../keys/key-provider.ts';
import type { PublicKey } from '../keys/public-key.ts';
import { parseSignatureAlgorithm, signatureAlgorithmIdentifier } from '../keys/signature-algorithm.ts';
import type { SignatureScheme } from '../keys/signature-scheme.ts';
import { verifySignature } from '../keys/verify-signature.ts';

/** What certificates, certification requests and CRLs have in common: SEQUENCE { toBeSigned, algorithm, signature }. */
export interface SignedStructure {
  /** The whole SEQUENCE, DER. */
  readonly der: Uint8Array;
  /** The signed octets: the first element, whole. */
  readonly toBeSigned: Uint8Array;
  /** AlgorithmIdentifier, DER. */
  readonly signatureAlgorithm: Uint8Array;
  readonly signature: Uint8Array;
}

/** Splits a signed structure; the reader stands at its SEQUENCE, which must be all there is. */
export function readSigned(document: DerReader): SignedStructure {
  const der = document.fork().element(tag.sequence);
  const outer = document.sequence();
  document.end();
  const toBeSigned = outer.element(tag.sequence);
  // What it names is looked up when the signature is checked; that it is DER is known from here on.
  const signatureAlgorithm = outer.any(tag.sequence);
  const signature = outer.octetAlignedBitString();
  outer.end();
  return { der, toBeSigned, signatureAlgorithm, signature };
}

/** @throws CountersignError `ALGORITHM_NOT_SUPPORTED`, `SCHEME_NOT_SUPPORTED` */
export function isSignedBy(signed: SignedStructure, publicKey: PublicKey): boolean {
  const scheme = parseSignatureAlgorithm(signed.signatureAlgorithm);
  return verifySignature(publicKey, scheme, signed.toBeSigned, signed.signature);
}

/** Signs and assembles. The key may live anywhere: it sees the finished octets and returns a signature. */
export async function sign(
  key: Pick<Key, 'sign'>,
  scheme: SignatureScheme,
  toBeSigned: Uint8Array,
): Promise<Uint8Array> {
  const signature = await key.sign(scheme, toBeSigned);
  return sequence(toBeSigned, signatureAlgorithmIdentifier(scheme), bitString(signature));
}
