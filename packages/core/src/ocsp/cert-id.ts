import { createHash } from 'node:crypto';
import type { DerReader } from '../asn1/der-reader.ts';
import { element, nullValue, octetString, oid, sequence } from '../asn1/der-writer.ts';
import { tag } from '../asn1/tag.ts';
import { CountersignError } from '../errors.ts';
import type { PublicKey } from '../keys/public-key.ts';
import { oids } from '../object-identifiers.ts';
import type { Name } from '../x509/name.ts';

/**
 * The hashes that a CertID may be made with. They find a CA among the few that a responder speaks for and keep nothing
 * safe, so SHA-1, which most clients use, is as good as any.
 */
export const certIdHashes = ['sha1', 'sha256', 'sha384', 'sha512'] as const;

export type CertIdHash = (typeof certIdHashes)[number];

/** CertID (RFC 6960 4.1.1): a certificate by its issuer's name and key, hashed, and its serial number. */
export interface CertId {
  /** As it stands in the message: a response repeats the octets of the request. */
  readonly der: Uint8Array;
  /** Undefined for one that is unknown here. */
  readonly hash: CertIdHash | undefined;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  /** Lower-case hex of the INTEGER's contents. */
  readonly serialNumber: string;
}

/** What a CertID says of the issuer, before it is hashed. */
export interface CertIdIssuer {
  readonly subject: Name;
  readonly publicKey: PublicKey;
}

/**
 * @param serialNumber lower-case hex of the INTEGER's contents
 * @throws CountersignError `VALUE_OUT_OF_RANGE` if it is something else
 */
export function createCertId(issuer: CertIdIssuer, serialNumber: string, hash: CertIdHash): CertId {
  if (!integerContents.test(serialNumber)) {
    throw new CountersignError(
      'VALUE_OUT_OF_RANGE',
      `"${serialNumber}" is not a serial number; expected lower-case hex of whole octets, none superfluous`,
      'Give the serial number as the certificate has it.',
    );
  }
  const { issuerNameHash, issuerKeyHash } = issuerHashes(issuer, hash);
  const der = sequence(
    // RFC 3279 2.1 has SHA-1 with NULL, RFC 5754 2 the others without parameters.
    hash === 'sha1' ? sequence(oid(oids.sha1), nullValue()) : sequence(oid(oids[hash])),
    octetString(issuerNameHash),
    octetString(issuerKeyHash),
    element(tag.integer, Buffer.from(serialNumber, 'hex')),
  );
  return { der, hash, issuerNameHash, issuerKeyHash, serialNumber };
}

/** Octets in hex, as few as the number needs (X.690 8.3.2). */
const integerContents = /^(?!00[0-7]|ff[89a-f])(?:[0-9a-f]{2})+$/;

/** @throws CountersignError `DER_MALFORMED` */
export function readCertId(reader: DerReader): CertId {
  const der = reader.fork().element(tag.sequence);
  const certId = reader.sequence();
  const algorithm = certId.sequence();
  const algorithmOid = algorithm.oid();
  if (algorithm.at(tag.null)) algorithm.null();
  else if (!algorithm.done) algorithm.any();
  algorithm.end();
  const issuerNameHash = certId.octetString();
  const issuerKeyHash = certId.octetString();
  const serialNumber = Buffer.from(certId.integer()).toString('hex');
  certId.end();
  const hash = certIdHashes.find((one) => oids[one] === algorithmOid);
  return { der, hash, issuerNameHash, issuerKeyHash, serialNumber };
}

/** Whether the CertID is of a certificate that this issuer issued. */
export function namesIssuer(certId: CertId, issuer: CertIdIssuer): boolean {
  if (certId.hash === undefined) return false;
  const { issuerNameHash, issuerKeyHash } = issuerHashes(issuer, certId.hash);
  return (
    Buffer.compare(certId.issuerNameHash, issuerNameHash) === 0 &&
    Buffer.compare(certId.issuerKeyHash, issuerKeyHash) === 0
  );
}

/** RFC 6960 4.1.1: over the name's DER, and over the contents of the key's BIT STRING. */
function issuerHashes(
  { subject, publicKey }: CertIdIssuer,
  hash: CertIdHash,
): Pick<CertId, 'issuerNameHash' | 'issuerKeyHash'> {
  return {
    issuerNameHash: createHash(hash).update(subject.der).digest(),
    issuerKeyHash: createHash(hash).update(publicKey.subjectPublicKey).digest(),
  };
}
