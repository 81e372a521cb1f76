import { context, integer, octetString, oid, sequence, setOf } from '../asn1/der-writer.ts';
import { contextConstructed } from '../asn1/tag.ts';
import type { Key } from '../keys/key-provider.ts';
import type { SignatureScheme } from '../keys/signature-scheme.ts';
import { oids } from '../object-identifiers.ts';
import type { Certificate } from '../x509/certificate.ts';
import { createSignerInfo, type EncodedSignerInfo, type SignedAttribute } from './create-signer-info.ts';
import type { SignedContent } from './signer-info.ts';

export interface SignedDataFields extends SignedContent {
  /** The signer's certificate; it is enclosed. */
  readonly certificate: Certificate;
  /** Certificates of CAs above it, enclosed too; none if absent. */
  readonly issuers?: readonly Certificate[];
  /** Signed beside contentType and messageDigest. */
  readonly signedAttributes: readonly SignedAttribute[];
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
  const { certificate, issuers = [], signedAttributes } = fields;
  const signerInfo = await createSignerInfo(key, scheme, certificate, fields, signedAttributes);
  return encodeSignedData(fields, [certificate, ...issuers], [signerInfo]);
}

/** Assembles a ContentInfo with SignedData from finished signatures. @returns DER */
export function encodeSignedData(
  { eContentType, content }: SignedContent,
  certificates: readonly Certificate[],
  signerInfos: readonly EncodedSignerInfo[],
): Uint8Array {
  const signedData = sequence(
    // RFC 5652 5.1: version 3 as soon as the content is not id-data.
    integer(eContentType === oids.data ? 1 : 3),
    setOf(distinct(signerInfos.map(({ digestAlgorithm }) => digestAlgorithm))),
    sequence(oid(eContentType), context(0, octetString(content))),
    setOf(distinct(certificates.map(({ der }) => der)), contextConstructed(0)),
    setOf(signerInfos.map(({ der }) => der)),
  );
  return sequence(oid(oids.signedData), context(0, signedData));
}

function distinct(elements: readonly Uint8Array[]): Uint8Array[] {
  return [...new Map(elements.map((element) => [Buffer.from(element).toString('hex'), element])).values()];
}
