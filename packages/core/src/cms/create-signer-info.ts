import { createHash } from 'node:crypto';
import { element, integer, octetString, oid, sequence, setOf } from '../asn1/der-writer.ts';
import { contextConstructed, tag } from '../asn1/tag.ts';
import { CountersignError } from '../errors.ts';
import type { Key } from '../keys/key-provider.ts';
import {
  digestAlgorithmIdentifier,
  schemeFacts,
  signatureAlgorithmIdentifier,
  type HashAlgorithm,
} from '../keys/signature-algorithm.ts';
import type { SignatureScheme } from '../keys/signature-scheme.ts';
import { oids } from '../object-identifiers.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { SignedContent } from './signer-info.ts';

/** Type and DER of the single value of an attribute that is signed beside contentType and messageDigest. */
export interface SignedAttribute {
  readonly type: string;
  readonly value: Uint8Array;
}

/** A finished SignerInfo, and what SignedData has to say of it outside. */
export interface EncodedSignerInfo {
  readonly der: Uint8Array;
  /** AlgorithmIdentifier, DER. */
  readonly digestAlgorithm: Uint8Array;
}

/** Signs a content (RFC 5652 5.3, 5.4), naming the signer by its certificate's issuer and serial number. */
export async function createSignerInfo(
  key: Key,
  scheme: SignatureScheme,
  certificate: Certificate,
  signed: SignedContent,
  attributes: readonly SignedAttribute[],
): Promise<EncodedSignerInfo> {
  const hash = digestOf(scheme);
  const digestAlgorithm = digestAlgorithmIdentifier(hash);
  const signedAttributes = encodeSignedAttributes(hash, signed, attributes);
  // RFC 5652 5.4: what is signed is the SET OF itself, not the [0] that stands in the message.
  const signature = await key.sign(scheme, setOf(signedAttributes));
  const der = sequence(
    integer(1),
    sequence(certificate.issuer.der, element(tag.integer, certificate.serialNumberOctets)),
    digestAlgorithm,
    setOf(signedAttributes, contextConstructed(0)),
    signatureAlgorithmIdentifier(scheme),
    octetString(signature),
  );
  return { der, digestAlgorithm };
}

/** The hash that a scheme digests a content with. @throws CountersignError `SCHEME_NOT_SUPPORTED` */
export function digestOf(scheme: SignatureScheme): HashAlgorithm {
  const { hash } = schemeFacts(scheme);
  if (hash !== undefined) return hash;
  // RFC 8419 ties Ed25519 in CMS to SHA-512 and to signers that few verifiers know.
  throw new CountersignError(
    'SCHEME_NOT_SUPPORTED',
    `${scheme} is not used for CMS signatures here`,
    'Give the signer an RSA or ECDSA key.',
  );
}

/** The elements of signedAttrs (RFC 5652 11.1, 11.2). */
export function encodeSignedAttributes(
  hash: HashAlgorithm,
  { eContentType, content }: SignedContent,
  attributes: readonly SignedAttribute[],
): Uint8Array[] {
  const messageDigest = createHash(hash).update(content).digest();
  return [
    { type: oids.contentType, value: oid(eContentType) },
    { type: oids.messageDigest, value: octetString(messageDigest) },
    ...attributes,
  ].map(({ type, value }) => sequence(oid(type), setOf([value])));
}
