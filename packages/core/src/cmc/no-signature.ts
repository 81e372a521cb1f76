import { createHash } from 'node:crypto';
import {
  contextContents,
  integer,
  nullValue,
  octetString,
  oid,
  sequence,
  setOf,
} from '../asn1/der-writer.ts';
import { contextConstructed } from '../asn1/tag.ts';
import { encodeSignedAttributes, type EncodedSignerInfo } from '../cms/create-signer-info.ts';
import {
  assertAttributesCover,
  invalidSignature,
  type SignedContent,
  type SignerInfo,
} from '../cms/signer-info.ts';
import {
  digestAlgorithmIdentifier,
  parseDigestAlgorithm,
  type HashAlgorithm,
} from '../keys/signature-algorithm.ts';
import { oids } from '../object-identifiers.ts';

/**
 * Makes the SignerInfo that stands for the key in the certification request where that key signs nothing: the
 * No-Signature mechanism (RFC 5272 C.1), whose value is the hash of what a signature would cover. AD CS wants it beside
 * the enrollment agent's (MS-WCCE 3.1.1.4.3.3.3). It secures nothing; the agent's signature does.
 * @param keyIdentifier the subject key identifier of the request's key
 */
export function createNoSignatureSignerInfo(
  keyIdentifier: Uint8Array,
  hash: HashAlgorithm,
  signed: SignedContent,
): EncodedSignerInfo {
  const digestAlgorithm = digestAlgorithmIdentifier(hash);
  const signedAttributes = encodeSignedAttributes(hash, signed, []);
  const der = sequence(
    integer(3),
    contextContents(0, keyIdentifier),
    digestAlgorithm,
    setOf(signedAttributes, contextConstructed(0)),
    noSignatureAlgorithm,
    octetString(createHash(hash).update(setOf(signedAttributes)).digest()),
  );
  return { der, digestAlgorithm };
}

export function isNoSignature({ signatureAlgorithm }: SignerInfo): boolean {
  return accepted.some((form) => Buffer.compare(form, signatureAlgorithm) === 0);
}

/** @throws CountersignError `SIGNATURE_INVALID` if a hash in it is not that of the content or of the attributes */
export function verifyNoSignature(signed: SignedContent, signerInfo: SignerInfo): void {
  const hash = parseDigestAlgorithm(signerInfo.digestAlgorithm);
  assertAttributesCover(signed, signerInfo, hash);
  const expected = createHash(hash).update(signerInfo.signedOctets).digest();
  if (Buffer.compare(expected, signerInfo.signature) !== 0) {
    throw invalidSignature('the value of a No-Signature signer is not the hash of its attributes');
  }
}

/** RFC 5272 C.1: the parameters MUST be NULL. Writers in the field leave them out. */
const noSignatureAlgorithm = sequence(oid(oids.noSignature), nullValue());
const accepted = [noSignatureAlgorithm, sequence(oid(oids.noSignature))];
