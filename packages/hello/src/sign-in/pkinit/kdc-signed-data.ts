import {
  Certificate,
  parseSubjectKeyIdentifier,
  type SignedMessage,
  type SignerInfo,
} from '@countersign/core';
import { contextConstructed, contextPrimitive, DerReader, element, tag } from '@countersign/core/asn1';

/**
 * Parses the SignedData (RFC 5652 5.1) of a KDC, not yet verified. Core's reader holds messages to the letter of the RFC;
 * this one takes what KDCs write: Heimdal has version 1 where 3 belongs, and wraps a key identifier once more. No
 * signature covers either.
 * @throws CountersignError `DER_MALFORMED`, and what certificates are refused for
 */
export function readKdcSignedData(der: Uint8Array): SignedMessage {
  const contentInfo = DerReader.sequence(der, 'CMS message');
  if (contentInfo.oid() !== signedDataType) throw contentInfo.malformed('the content is not SignedData');
  const explicit = contentInfo.context(0);
  const signedData = explicit.sequence();
  explicit.end();
  contentInfo.end();
  signedData.smallInteger();
  // digestAlgorithms is for those who hash while they read; each SignerInfo names its own again.
  signedData.any(tag.set);
  const encapsulated = signedData.sequence();
  const eContentType = encapsulated.oid();
  const eContent = encapsulated.context(0);
  const content = eContent.octetString();
  eContent.end();
  encapsulated.end();
  const certificates = optionalSet(signedData, 0).map((certificate) => Certificate.parse(certificate));
  const crls = optionalSet(signedData, 1);
  const signerInfos = elements(signedData.constructed(tag.set)).map(readSignerInfo);
  signedData.end();
  return { eContentType, content, certificates, crls, signerInfos };
}

/** The enclosed certificate that the signer names, or undefined. */
export function signerCertificate(
  { signerIdentifier }: SignerInfo,
  certificates: readonly Certificate[],
): Certificate | undefined {
  return certificates.find((certificate) => {
    if (signerIdentifier.kind === 'subjectKeyIdentifier') {
      const value = certificate.extension(subjectKeyIdentifier);
      return value !== undefined && isSame(parseSubjectKeyIdentifier(value), signerIdentifier.keyIdentifier);
    }
    return (
      isSame(certificate.issuer.der, signerIdentifier.issuer) &&
      isSame(certificate.serialNumberOctets, signerIdentifier.serialNumber)
    );
  });
}

function readSignerInfo(der: Uint8Array): SignerInfo {
  const reader = DerReader.sequence(der, 'signer info');
  reader.smallInteger();
  const signerIdentifier = readSignerIdentifier(reader);
  const digestAlgorithm = reader.element(tag.sequence);
  const attributes = elements(reader.fork().context(0)).map(readAttribute);
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

function readSignerIdentifier(reader: DerReader): SignerInfo['signerIdentifier'] {
  if (reader.at(contextPrimitive(0))) {
    return { kind: 'subjectKeyIdentifier', keyIdentifier: reader.contextContents(0) };
  }
  if (reader.at(contextConstructed(0))) {
    const explicit = reader.context(0);
    const keyIdentifier = explicit.octetString();
    explicit.end();
    return { kind: 'subjectKeyIdentifier', keyIdentifier };
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

function optionalSet(reader: DerReader, n: number): Uint8Array[] {
  return reader.at(contextConstructed(n)) ? elements(reader.context(n)) : [];
}

function elements(set: DerReader): Uint8Array[] {
  const found: Uint8Array[] = [];
  while (!set.done) found.push(set.any());
  return found;
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

const signedDataType = '1.2.840.113549.1.7.2';
const subjectKeyIdentifier = '2.5.29.14';
