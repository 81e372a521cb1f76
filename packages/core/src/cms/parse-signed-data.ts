import { createHash } from 'node:crypto';
import { DerReader } from '../asn1/der-reader.ts';
import { element } from '../asn1/der-writer.ts';
import { contextConstructed, tag } from '../asn1/tag.ts';
import { CountersignError } from '../errors.ts';
import {
  parseCmsSignatureAlgorithm,
  parseDigestAlgorithm,
  schemeFacts,
} from '../keys/signature-algorithm.ts';
import { verifySignature } from '../keys/verify-signature.ts';
import { oids } from '../object-identifiers.ts';
import { Certificate } from '../x509/certificate.ts';

/** A CMS SignedData (RFC 5652 5.1) with exactly one signer, parsed strictly and not yet verified. */
export interface SignedData {
  readonly eContentType: string;
  readonly content: Uint8Array;
  /** The certificate that the SignerInfo names, from among those enclosed. */
  readonly signerCertificate: Certificate;
  readonly signerInfo: SignerInfo;
}

export interface SignerInfo {
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

/**
 * Parses a ContentInfo with SignedData.
 * @throws CountersignError `DER_MALFORMED`, `REQUEST_NOT_COUNTERSIGNED` if nobody signed
 */
export function parseSignedData(der: Uint8Array): SignedData {
  const contentInfo = DerReader.sequence(der, 'CMS message');
  if (contentInfo.oid() !== oids.signedData) throw contentInfo.malformed('the content is not SignedData');
  const explicit = contentInfo.context(0);
  const signedData = explicit.sequence();
  explicit.end();
  contentInfo.end();

  const version = signedData.smallInteger();
  const digestAlgorithms = signedData.setOf();
  const encapsulated = signedData.sequence();
  const eContentType = encapsulated.oid();
  const eContent = encapsulated.context(0);
  const content = eContent.octetString();
  eContent.end();
  encapsulated.end();
  // RFC 5652 5.1. No signature covers the version, so whatever it may be is decided by what a signature does cover.
  const expectedVersion = eContentType === oids.data ? 1 : 3;
  if (version !== expectedVersion) {
    throw signedData.malformed(`SignedData has version ${version}; expected ${expectedVersion}`);
  }
  const certificates = signedData.at(contextConstructed(0)) ? readCertificates(signedData) : [];
  const [signerInfo, ...others] = signedData.setOf();
  signedData.end();
  if (signerInfo === undefined) throw noSigner();
  if (others.length > 0)
    throw signedData.malformed(`${others.length + 1} signers stand where one was expected`);
  return { eContentType, content, ...readSignerInfo(signerInfo, digestAlgorithms, certificates) };
}

/**
 * Verifies message digest, content type and signature (RFC 5652 5.4, 5.6, 11.1, 11.2). Says nothing of whether the
 * signer's certificate may be trusted.
 * @throws CountersignError `SIGNATURE_INVALID`, `ALGORITHM_NOT_SUPPORTED`, `SCHEME_NOT_SUPPORTED`
 */
export function verifySignerInfo({ eContentType, content, signerCertificate, signerInfo }: SignedData): void {
  const hash = parseDigestAlgorithm(signerInfo.digestAlgorithm);
  const scheme = parseCmsSignatureAlgorithm(signerInfo.signatureAlgorithm, hash);
  if (schemeFacts(scheme).hash !== hash) throw invalid('digest and signature algorithm use different hashes');
  const attribute = (type: string): DerReader =>
    DerReader.document(singleValue(signerInfo.signedAttributes, type), 'signed attribute');

  const contentTypeReader = attribute(oids.contentType);
  const contentType = contentTypeReader.oid();
  contentTypeReader.end();
  if (contentType !== eContentType) throw invalid('the signed content type is not that of the content');

  const messageDigestReader = attribute(oids.messageDigest);
  const messageDigest = messageDigestReader.octetString();
  messageDigestReader.end();
  if (Buffer.compare(messageDigest, createHash(hash).update(content).digest()) !== 0) {
    throw invalid('the content does not match the signed message digest');
  }
  if (!verifySignature(signerCertificate.publicKey, scheme, signerInfo.signedOctets, signerInfo.signature)) {
    throw invalid('the signature was not made by the key of the enclosed certificate');
  }
}

function readCertificates(signedData: DerReader): Certificate[] {
  return signedData.setOf(contextConstructed(0)).map((der) => Certificate.parse(der));
}

function readSignerInfo(
  der: Uint8Array,
  digestAlgorithms: readonly Uint8Array[],
  certificates: readonly Certificate[],
): Pick<SignedData, 'signerCertificate' | 'signerInfo'> {
  const reader = DerReader.sequence(der, 'signer info');
  const version = reader.smallInteger();
  // RFC 5652 5.3: 1 with issuerAndSerialNumber, the form that AD CS and enrollment agents use.
  if (version !== 1) throw reader.malformed(`SignerInfo has version ${version}; expected 1`);
  const issuerAndSerialNumber = reader.sequence();
  const issuer = issuerAndSerialNumber.element(tag.sequence);
  const serialNumber = issuerAndSerialNumber.integer();
  issuerAndSerialNumber.end();
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

  const [onlyDigestAlgorithm, ...otherDigestAlgorithms] = digestAlgorithms;
  if (
    onlyDigestAlgorithm === undefined ||
    otherDigestAlgorithms.length > 0 ||
    Buffer.compare(onlyDigestAlgorithm, digestAlgorithm) !== 0
  ) {
    throw reader.malformed("digestAlgorithms does not list the signer's digest algorithm and it alone");
  }
  const [signerCertificate, ...otherCertificates] = certificates.filter(
    (certificate) =>
      Buffer.compare(certificate.issuer.der, issuer) === 0 &&
      Buffer.compare(certificate.serialNumberOctets, serialNumber) === 0,
  );
  if (signerCertificate === undefined || otherCertificates.length > 0) {
    throw reader.malformed('the certificate that the signer names is not enclosed');
  }
  return {
    signerCertificate,
    signerInfo: {
      digestAlgorithm,
      signedAttributes,
      signedOctets,
      signatureAlgorithm,
      signature,
    },
  };
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
    throw invalid(`the signed attribute ${type} does not stand there with exactly one value`);
  }
  return value;
}

function noSigner(): CountersignError {
  return new CountersignError(
    'REQUEST_NOT_COUNTERSIGNED',
    'the CMS message carries no signature',
    'Have the request countersigned by a registration authority.',
    { adcs: 'CRYPT_E_NO_SIGNER' },
  );
}

function invalid(found: string): CountersignError {
  return new CountersignError(
    'SIGNATURE_INVALID',
    `the countersignature does not hold: ${found}`,
    'Have the request countersigned again; if it fails again, something alters it on its way.',
    { adcs: 'NTE_BAD_SIGNATURE' },
  );
}
