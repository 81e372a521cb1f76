import { createHash } from 'node:crypto';
import { context, element, integer, octetString, oid, sequence, setOf } from '../asn1/der-writer.ts';
import { contextConstructed, tag } from '../asn1/tag.ts';
import { CountersignError } from '../errors.ts';
import type { Key } from '../keys/key-provider.ts';
import {
  digestAlgorithmIdentifier,
  schemeFacts,
  signatureAlgorithmIdentifier,
} from '../keys/signature-algorithm.ts';
import type { SignatureScheme } from '../keys/signature-scheme.ts';
import { oids } from '../object-identifiers.ts';
import type { Certificate } from '../x509/certificate.ts';

export interface SignedDataFields {
  readonly eContentType: string;
  readonly content: Uint8Array;
  /** The signer's certificate; it is enclosed. */
  readonly certificate: Certificate;
  /** Signed beside contentType and messageDigest; each is type and the DER of its single value. */
  readonly signedAttributes: readonly { readonly type: string; readonly value: Uint8Array }[];
}

/**
 * Makes a CMS SignedData (RFC 5652 5) with one signer, in a ContentInfo.
 * @returns DER
 */
export async function createSignedData(
  key: Key,
  scheme: SignatureScheme,
  fields: SignedDataFields,
): Promise<Uint8Array> {
  const { hash } = schemeFacts(scheme);
  if (hash === undefined) {
    // RFC 8419 ties Ed25519 in CMS to SHA-512 and to signers that few verifiers know.
    throw new CountersignError(
      'SCHEME_NOT_SUPPORTED',
      `${scheme} is not used for CMS signatures here`,
      'Give the signer an RSA or ECDSA key.',
    );
  }
  const digestAlgorithm = digestAlgorithmIdentifier(hash);
  const messageDigest = createHash(hash).update(fields.content).digest();
  const attributes = [
    attribute(oids.contentType, oid(fields.eContentType)),
    attribute(oids.messageDigest, octetString(messageDigest)),
    ...fields.signedAttributes.map(({ type, value }) => attribute(type, value)),
  ];
  // RFC 5652 5.4: what is signed is the SET OF itself, not the [0] that stands in the message.
  const signature = await key.sign(scheme, setOf(attributes));
  const signerInfo = sequence(
    integer(1),
    issuerAndSerialNumber(fields.certificate),
    digestAlgorithm,
    setOf(attributes, contextConstructed(0)),
    signatureAlgorithmIdentifier(scheme),
    octetString(signature),
  );
  const signedData = sequence(
    // RFC 5652 5.1: version 3 as soon as the content is not id-data.
    integer(fields.eContentType === oids.data ? 1 : 3),
    setOf([digestAlgorithm]),
    sequence(oid(fields.eContentType), context(0, octetString(fields.content))),
    context(0, fields.certificate.der),
    setOf([signerInfo]),
  );
  return sequence(oid(oids.signedData), context(0, signedData));
}

function issuerAndSerialNumber(certificate: Certificate): Uint8Array {
  return sequence(certificate.issuer.der, element(tag.integer, certificate.serialNumberOctets));
}

function attribute(type: string, value: Uint8Array): Uint8Array {
  return sequence(oid(type), setOf([value]));
}
