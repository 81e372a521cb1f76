import { DerReader } from '../asn1/der-reader.ts';
import { contextConstructed, tag } from '../asn1/tag.ts';
import { toBigInt } from '../keys/elliptic-curve.ts';
import type { PublicKey } from '../keys/public-key.ts';
import { oids } from '../object-identifiers.ts';
import { readExtensions, type Extension } from './extension.ts';
import { readGeneralNames } from './general-name.ts';
import { Name } from './name.ts';
import { canonicalName } from './name-matching.ts';
import { parseCrlReason, type CrlReason } from './revocation-reason.ts';
import { isSignedBy, readSigned, type SignedStructure } from './signed-structure.ts';

/** CRLs grow with what they revoke; this is room for some million entries. */
export const maxCertificateListBytes = 64 * 1024 * 1024;

export interface CertificateListEntry {
  /** Lower-case hex of the INTEGER's contents. */
  readonly serialNumber: string;
  /** The list's own issuer, unless the list is an indirect one. */
  readonly certificateIssuer: Name;
  readonly revokedAt: Date;
  readonly reason: CrlReason;
}

/** A CRL (RFC 5280 5), parsed strictly and not verified. Entries are read at the first look-up. */
export class CertificateList {
  readonly #signed: SignedStructure;
  readonly #revoked: Uint8Array | undefined;
  #entries: ReadonlyMap<string, CertificateListEntry> | undefined;
  readonly issuer: Name;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly extensions: readonly Extension[];

  private constructor(signed: SignedStructure) {
    this.#signed = signed;
    const tbs = DerReader.sequence(signed.toBeSigned, 'CRL', maxCertificateListBytes);
    const isVersion2 = tbs.at(tag.integer);
    // RFC 5280 5.1.2.1: if present, v2(1).
    if (isVersion2 && tbs.smallInteger() !== 1) throw tbs.malformed('the CRL has another version than 2');
    if (Buffer.compare(tbs.element(tag.sequence), signed.signatureAlgorithm) !== 0) {
      throw tbs.malformed('the signature algorithm inside differs from the one outside');
    }
    this.issuer = Name.read(tbs);
    if (this.issuer.isEmpty) throw tbs.malformed('the issuer is empty');
    this.thisUpdate = tbs.time();
    this.nextUpdate = tbs.at(tag.utcTime) || tbs.at(tag.generalizedTime) ? tbs.time() : undefined;
    this.#revoked = tbs.at(tag.sequence) ? tbs.element(tag.sequence) : undefined;
    this.extensions = readOptionalExtensions(tbs, isVersion2);
    tbs.end();
  }

  /**
   * @param der the CRL and nothing after it, at most 64 MiB
   * @throws CountersignError `DER_MALFORMED`, `INPUT_TOO_LARGE`
   */
  static parse(der: Uint8Array): CertificateList {
    return new CertificateList(readSigned(DerReader.document(der, 'CRL', maxCertificateListBytes)));
  }

  get der(): Uint8Array {
    return this.#signed.der;
  }

  /** extnValue contents, or undefined where the extension is absent. */
  extension(oid: string): Uint8Array | undefined {
    return this.extensions.find((extension) => extension.oid === oid)?.value;
  }

  /** RFC 5280 5.2.3; undefined where the extension is absent. */
  get crlNumber(): bigint | undefined {
    const value = this.extension(oids.cRLNumber);
    if (value === undefined) return undefined;
    const reader = DerReader.document(value, 'CRL number extension');
    const number = toBigInt(reader.unsignedInteger());
    reader.end();
    return number;
  }

  /** Whether this key made the signature, whoever it belongs to. */
  isSignedBy(publicKey: PublicKey): boolean {
    return isSignedBy(this.#signed, publicKey);
  }

  /**
   * Every entry, in their order.
   * @throws CountersignError `DER_MALFORMED`, see `find`
   */
  get entries(): Iterable<CertificateListEntry> {
    this.#entries ??= readEntries(this.#revoked, this.issuer);
    return this.#entries.values();
  }

  /**
   * The entry for a certificate of this issuer, or undefined if the list has none.
   * @param serialNumber lower-case hex of the INTEGER's contents
   * @throws CountersignError `DER_MALFORMED` if the entries are not well-formed, or one has a critical extension that is
   *   unknown here: RFC 5280 5.3 forbids using such a list
   */
  find(certificateIssuer: Name, serialNumber: string): CertificateListEntry | undefined {
    this.#entries ??= readEntries(this.#revoked, this.issuer);
    return this.#entries.get(`${serialNumber} ${canonicalName(certificateIssuer)}`);
  }
}

function readOptionalExtensions(tbs: DerReader, isVersion2: boolean): Extension[] {
  if (!tbs.at(contextConstructed(0))) return [];
  if (!isVersion2) throw tbs.malformed('a CRL of version 1 has extensions');
  const explicit = tbs.context(0);
  const extensions = readExtensions(explicit.sequence());
  explicit.end();
  return extensions;
}

function readEntries(revoked: Uint8Array | undefined, issuer: Name): Map<string, CertificateListEntry> {
  const entries = new Map<string, CertificateListEntry>();
  if (revoked === undefined) return entries;
  const reader = DerReader.sequence(revoked, 'CRL', maxCertificateListBytes);
  // RFC 5280 5.1.2.6: absent rather than empty.
  if (reader.done) throw reader.malformed('revokedCertificates is empty');
  // RFC 5280 5.3.3: in an indirect CRL an entry's issuer holds for those after it as well.
  let certificateIssuer = issuer;
  let issuerKey = canonicalName(issuer);
  while (!reader.done) {
    const entry = reader.sequence();
    const serialNumber = Buffer.from(entry.integer()).toString('hex');
    const revokedAt = entry.time();
    const extensions = entry.done ? [] : readExtensions(entry.sequence());
    entry.end();
    const unknown = extensions.find(({ critical, oid }) => critical && !entryExtensions.has(oid));
    if (unknown !== undefined)
      throw entry.malformed(`an entry has the unknown critical extension ${unknown.oid}`);
    const value = (oid: string): Uint8Array | undefined => extensions.find((one) => one.oid === oid)?.value;
    const issuerNames = value(oids.certificateIssuer);
    if (issuerNames !== undefined) {
      certificateIssuer = readCertificateIssuer(issuerNames);
      issuerKey = canonicalName(certificateIssuer);
    }
    const reasonCode = value(oids.cRLReason);
    const reason = reasonCode === undefined ? 'unspecified' : parseCrlReason(reasonCode);
    entries.set(`${serialNumber} ${issuerKey}`, { serialNumber, certificateIssuer, revokedAt, reason });
  }
  return entries;
}

function readCertificateIssuer(value: Uint8Array): Name {
  const reader = DerReader.sequence(value, 'certificate issuer extension');
  const name = readGeneralNames(reader).find(({ kind }) => kind === 'directoryName');
  if (name?.kind !== 'directoryName')
    throw reader.malformed('the certificate issuer is not a directory name');
  return name.name;
}

const entryExtensions: ReadonlySet<string> = new Set([
  oids.cRLReason,
  oids.invalidityDate,
  oids.certificateIssuer,
]);
