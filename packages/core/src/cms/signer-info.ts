import { createHash } from 'node:crypto';
import { DerReader } from '../asn1/der-reader.ts';
import { element } from '../asn1/der-writer.ts';
import { contextConstructed, contextPrimitive, tag } from '../asn1/tag.ts';
import { CountersignError } from '../errors.ts';
import type { PublicKey } from '../keys/public-key.ts';
import {
  parseCmsSignatureAlgorithm,
  parseDigestAlgorithm,
  schemeFacts,
  type HashAlgorithm,
} from '../keys/signature-algorithm.ts';
import { verifySignature } from '../keys/verify-signature.ts';
import { oids } from '../object-identifiers.ts';
import type { Certificate } from '../x509/certificate.ts';

/** One signature of a SignedData (RFC 5652 5.3), parsed strictly and not yet verified. */
export interface SignerInfo {
  readonly signerIdentifier: SignerIdentifier;
  /** DER of digestAlgorithm. */
  readonly digestAlgorithm: Uint8Array;
  /** Signed attributes by type: DER of their values. */
  readonly signedAttributes: ReadonlyMap<string, readonly Uint8Array[]>;
  /** What the signature covers: the attributes as a SET OF, DER. */
  readonly signedOctets: Uint8Array;
  /** DER of signatureAlgorithm. */
  readonly signatureAlgorithm: Uint8Array;
  readonly signature: Uint8Array;
}

export type SignerIdentifier =
  | {
      readonly kind: 'issuerAndSerialNumber';
      /** Name, DER. */
      readonly issuer: Uint8Array;
      /** Contents octets of the INTEGER. */
      readonly serialNumber: Uint8Array;
    }
  | { readonly kind: 'subjectKeyIdentifier'; readonly keyIdentifier: Uint8Array };

/** What is signed: the type and the octets of encapContentInfo. */
export interface SignedContent {
  readonly eContentType: string;
  readonly content: Uint8Array;
}

/** @throws CountersignError `DER_MALFORMED`, also for a SignerInfo without signed attributes or with unsigned ones */
export function readSignerInfo(der: Uint8Array): SignerInfo {
  const reader = DerReader.sequence(der, 'signer info');
  const version = reader.smallInteger();
  const signerIdentifier = readSignerIdentifier(reader);
  // RFC 5652 5.3: the version follows from the form of the signer identifier.
  const expected = signerIdentifier.kind === 'issuerAndSerialNumber' ? 1 : 3;
  if (version !== expected) throw reader.malformed(`SignerInfo has version ${version}; expected ${expected}`);
  const digestAlgorithm = reader.element(tag.sequence);
  const attributes = reader.fork().setOf(contextConstructed(0)).map(readAttribute);
  const signedAttributes = new Map(attributes);
  // RFC 5652 5.3: signedAttrs MUST NOT include several instances of one type.
  if (signedAttributes.size !== attributes.length) throw reader.malformed('a signed attribute stands twice');
  // RFC 5652 5.4: the signature covers the SET OF tag, not the [0] that stands in the message.
  const signedOctets = element(tag.set, reader.contents(contextConstructed(0)));
  const signatureAlgorithm = reader.element(tag.sequence);
  const signature = reader.octetString();
  reader.end();
  return { signerIdentifier, digestAlgorithm, signedAttributes, signedOctets, signatureAlgorithm, signature };
}

/** Whether a signer is named by this certificate's issuer and serial number. */
export function identifies(signerIdentifier: SignerIdentifier, certificate: Certificate): boolean {
  return (
    signerIdentifier.kind === 'issuerAndSerialNumber' &&
    Buffer.compare(certificate.issuer.der, signerIdentifier.issuer) === 0 &&
    Buffer.compare(certificate.serialNumberOctets, signerIdentifier.serialNumber) === 0
  );
}

/**
 * Verifies message digest, content type and signature (RFC 5652 5.4, 5.6, 11.1, 11.2) under a key.
 * @throws CountersignError `SIGNATURE_INVALID`, `ALGORITHM_NOT_SUPPORTED`, `SCHEME_NOT_SUPPORTED`
 */
export function verifySignedBy(publicKey: PublicKey, signed: SignedContent, signerInfo: SignerInfo): void {
  const hash = parseDigestAlgorithm(signerInfo.digestAlgorithm);
  const scheme = parseCmsSignatureAlgorithm(signerInfo.signatureAlgorithm, hash);
  if (schemeFacts(scheme).hash !== hash) {
    throw invalidSignature('digest and signature algorithm use different hashes');
  }
  assertAttributesCover(signed, signerInfo, hash);
  if (!verifySignature(publicKey, scheme, signerInfo.signedOctets, signerInfo.signature)) {
    throw invalidSignature(
      'the signature was not made by the key of the signer, or what it covers was altered',
    );
  }
}

/** RFC 5652 11.1, 11.2: the signed attributes state the type of the content and its digest, once each. */
export function assertAttributesCover(
  { eContentType, content }: SignedContent,
  { signedAttributes }: SignerInfo,
  hash: HashAlgorithm,
): void {
  const attribute = (type: string): DerReader =>
    DerReader.document(singleValue(signedAttributes, type), 'signed attribute');

  const contentTypeReader = attribute(oids.contentType);
  const contentType = contentTypeReader.oid();
  contentTypeReader.end();
  if (contentType !== eContentType) {
    throw invalidSignature('the signed content type is not that of the content');
  }

  const messageDigestReader = attribute(oids.messageDigest);
  const messageDigest = messageDigestReader.octetString();
  messageDigestReader.end();
  if (Buffer.compare(messageDigest, createHash(hash).update(content).digest()) !== 0) {
    throw invalidSignature('the content does not match the signed message digest');
  }
}

export function invalidSignature(found: string): CountersignError {
  return new CountersignError(
    'SIGNATURE_INVALID',
    `the signature of the CMS message does not hold: ${found}`,
    'Have it signed again (a request: countersigned); if it fails again, something alters it on its way.',
    { adcs: 'NTE_BAD_SIGNATURE' },
  );
}

function readSignerIdentifier(reader: DerReader): SignerIdentifier {
  if (reader.at(contextPrimitive(0))) {
    return { kind: 'subjectKeyIdentifier', keyIdentifier: reader.contextContents(0) };
  }
  const issuerAndSerialNumber = reader.sequence();
  const issuer = issuerAndSerialNumber.element(tag.sequence);
  const serialNumber = issuerAndSerialNumber.integer();
  issuerAndSerialNumber.end();
  return { kind: 'issuerAndSerialNumber', issuer, serialNumber };
}

function readAttribute(der: Uint8Array): [type: string, values: Uint8Array[]] {
  const reader = DerReader.sequence(der, 'signed attribute');
  const type = reader.oid();
  const values = reader.setOf();
  reader.end();
  return [type, values];
}

function singleValue(attributes: SignerInfo['signedAttributes'], type: string): Uint8Array {
  const [value, ...others] = attributes.get(type) ?? [];
  if (value === undefined || others.length > 0) {
    throw invalidSignature(`the signed attribute ${type} does not stand there with exactly one value`);
  }
  return value;
}
