import { context, element, integer, sequence, sequenceOf, time } from '../asn1/der-writer.ts';
import { tag } from '../asn1/tag.ts';
import { CountersignError } from '../errors.ts';
import type { Key } from '../keys/key-provider.ts';
import { signatureAlgorithmIdentifier } from '../keys/signature-algorithm.ts';
import type { SignatureScheme } from '../keys/signature-scheme.ts';
import { oids } from '../object-identifiers.ts';
import {
  deltaCrlIndicator,
  freshestCrl,
  issuingDistributionPoint,
  type CertificateListScope,
} from './certificate-list-extensions.ts';
import { encodeExtensions, type Extension } from './extension.ts';
import type { Name } from './name.ts';
import { encodeCrlReason, type CrlReason, type RevocationReason } from './revocation-reason.ts';
import { sign } from './signed-structure.ts';
import { authorityKeyIdentifier } from './standard-extensions.ts';

export interface CertificateListFields {
  readonly issuer: Name;
  /** The issuer certificate's subject key identifier. */
  readonly authorityKeyIdentifier: Uint8Array;
  /** RFC 5280 5.2.3: greater than in any list before it from this issuer, complete and delta counted together. */
  readonly number: number;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** Everything revoked that has not expired; in a delta, what was revoked, or for another reason, since its base. */
  readonly revoked: Iterable<RevokedCertificate>;
  /** What the list is limited to; without it, it covers all certificates of its issuer. */
  readonly scope?: CertificateListScope;
  /** URIs at which the deltas for this list are found. */
  readonly freshestCrlUris?: readonly string[];
  /** Makes the list a delta. */
  readonly delta?: DeltaFields;
}

export interface RevokedCertificate {
  /** Lower-case hex of the serial number's octets. */
  readonly serialNumber: string;
  readonly revokedAt: Date;
  readonly reason: RevocationReason;
}

/** What makes a CRL say only what changed since another (RFC 5280 5.2.4). */
export interface DeltaFields {
  /** The number of the complete CRL that the changes are counted from; later ones of the same scope will do as well. */
  readonly baseNumber: number;
  /**
   * Certificates released from hold that the base, or a delta since, has as revoked. The complete list leaves them out,
   * a delta must say so (removeFromCRL).
   */
  readonly released: Iterable<ReleasedCertificate>;
}

export interface ReleasedCertificate {
  /** Lower-case hex of the serial number's octets. */
  readonly serialNumber: string;
  readonly releasedAt: Date;
}

/**
 * Signs a version 2 CertificateList (RFC 5280 5.1), DER.
 * @throws CountersignError `VALUE_OUT_OF_RANGE` if the fields contradict one another
 */
export async function createCertificateList(
  key: Key,
  scheme: SignatureScheme,
  fields: CertificateListFields,
): Promise<Uint8Array> {
  const entries = encodeEntries(fields);
  const tbsCertList = sequence(
    integer(1),
    signatureAlgorithmIdentifier(scheme),
    fields.issuer.der,
    time(fields.thisUpdate),
    time(fields.nextUpdate),
    // RFC 5280 5.1.2.6: absent when nothing is revoked.
    ...(entries.length === 0 ? [] : [sequenceOf(entries)]),
    context(0, encodeExtensions(listExtensions(fields))),
  );
  return sign(key, scheme, tbsCertList);
}

function listExtensions(fields: CertificateListFields): Extension[] {
  const { number, scope, delta, freshestCrlUris = [] } = fields;
  if (delta !== undefined && delta.baseNumber >= number) {
    throw contradiction(`the delta ${number} is not newer than its base ${delta.baseNumber}`);
  }
  // RFC 5280 5.2.6: "MUST NOT appear in delta CRLs".
  if (delta !== undefined && freshestCrlUris.length > 0) {
    throw contradiction(
      `the delta ${number} says where deltas for it are found, which only a complete CRL does`,
    );
  }
  return [
    authorityKeyIdentifier(fields.authorityKeyIdentifier),
    { oid: oids.cRLNumber, critical: false, value: integer(number) },
    ...(delta === undefined ? [] : [deltaCrlIndicator(delta.baseNumber)]),
    ...(scope === undefined ? [] : [issuingDistributionPoint(scope)]),
    ...(freshestCrlUris.length === 0 ? [] : [freshestCrl(freshestCrlUris)]),
  ];
}

function encodeEntries({ revoked, delta }: CertificateListFields): Uint8Array[] {
  const revocations = [...revoked];
  const releases = [...(delta?.released ?? [])];
  const stillRevoked = new Set(
    releases.length === 0 ? [] : revocations.map(({ serialNumber }) => serialNumber),
  );
  const both = releases.find(({ serialNumber }) => stillRevoked.has(serialNumber));
  if (both !== undefined) throw contradiction(`${both.serialNumber} is both revoked and released from hold`);
  return [
    ...revocations.map(({ serialNumber, revokedAt, reason }) => encodeEntry(serialNumber, revokedAt, reason)),
    ...releases.map(({ serialNumber, releasedAt }) => encodeEntry(serialNumber, releasedAt, 'removeFromCRL')),
  ];
}

function encodeEntry(serialNumber: string, at: Date, reason: CrlReason): Uint8Array {
  const serial = element(tag.integer, Buffer.from(serialNumber, 'hex'));
  // RFC 5280 5.3.1: unspecified SHOULD be expressed by absence.
  if (reason === 'unspecified') return sequence(serial, time(at));
  const reasonCode = { oid: oids.cRLReason, critical: false, value: encodeCrlReason(reason) };
  return sequence(serial, time(at), encodeExtensions([reasonCode]));
}

function contradiction(found: string): CountersignError {
  return new CountersignError(
    'VALUE_OUT_OF_RANGE',
    `the CRL cannot be made: ${found}`,
    'Count CRL numbers upwards, and list each certificate by what it is now.',
  );
}
