import { DerReader } from '../asn1/der-reader.ts';
import { contextConstructed } from '../asn1/tag.ts';
import { CountersignError } from '../errors.ts';
import { oids } from '../object-identifiers.ts';
import { Certificate } from '../x509/certificate.ts';
import { readSignerInfo, type SignedContent, type SignerInfo } from './signer-info.ts';

/** A CMS SignedData (RFC 5652 5.1) with any number of signers above none, parsed strictly and not yet verified. */
export interface SignedMessage extends SignedContent {
  readonly certificates: readonly Certificate[];
  /** DER of the enclosed revocation information, unread. */
  readonly crls: readonly Uint8Array[];
  /** At least one. In the order of their encodings, as a SET OF is: their order carries no meaning. */
  readonly signerInfos: readonly SignerInfo[];
}

/**
 * Parses a ContentInfo with SignedData.
 * @throws CountersignError `DER_MALFORMED`, `REQUEST_NOT_COUNTERSIGNED` if nobody signed
 */
export function readSignedData(der: Uint8Array): SignedMessage {
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
  const certificates = optionalSetOf(signedData, 0).map((certificate) => Certificate.parse(certificate));
  const crls = optionalSetOf(signedData, 1);
  const signers = signedData.setOf();
  signedData.end();
  if (signers.length > maxSigners) throw signedData.malformed(`there are more than ${maxSigners} signers`);
  const signerInfos = signers.map(readSignerInfo);
  if (signerInfos.length === 0) throw noSigner();
  const expectedVersion = versionFor(eContentType, signerInfos);
  if (version !== expectedVersion) {
    throw signedData.malformed(`SignedData has version ${version}; expected ${expectedVersion}`);
  }
  if (!sameElements(digestAlgorithms, signerInfos)) {
    throw signedData.malformed(
      "digestAlgorithms does not list the signers' digest algorithms and them alone",
    );
  }
  return { eContentType, content, certificates, crls, signerInfos };
}

/** RFC 5652 5.1. No signature covers the version, so whatever it may be is decided by what else stands there. */
function versionFor(eContentType: string, signerInfos: readonly SignerInfo[]): number {
  const isPlain = eContentType === oids.data && signerInfos.every(isNamedByIssuer);
  return isPlain ? 1 : 3;
}

function isNamedByIssuer({ signerIdentifier }: SignerInfo): boolean {
  return signerIdentifier.kind === 'issuerAndSerialNumber';
}

/** Each signer costs a hash of the whole content; no enrollment has more than an agent or two and the key inside. */
const maxSigners = 8;

function optionalSetOf(signedData: DerReader, n: number): Uint8Array[] {
  return signedData.at(contextConstructed(n)) ? signedData.setOf(contextConstructed(n)) : [];
}

function sameElements(digestAlgorithms: readonly Uint8Array[], signerInfos: readonly SignerInfo[]): boolean {
  const listed = new Set(digestAlgorithms.map(hex));
  const used = new Set(signerInfos.map(({ digestAlgorithm }) => hex(digestAlgorithm)));
  return listed.size === used.size && [...used].every((digestAlgorithm) => listed.has(digestAlgorithm));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

function noSigner(): CountersignError {
  return new CountersignError(
    'REQUEST_NOT_COUNTERSIGNED',
    'the CMS message carries no signature',
    'Have the request countersigned by a registration authority.',
    { adcs: 'CRYPT_E_NO_SIGNER' },
  );
}
