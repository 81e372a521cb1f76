import { context, element, integer, sequence, sequenceOf, time } from '../asn1/der-writer.ts';
import { tag } from '../asn1/tag.ts';
import type { Key } from '../keys/key-provider.ts';
import { signatureAlgorithmIdentifier } from '../keys/signature-algorithm.ts';
import type { SignatureScheme } from '../keys/signature-scheme.ts';
import { oids } from '../object-identifiers.ts';
import { encodeExtensions } from './extension.ts';
import type { Name } from './name.ts';
import { encodeCrlReason, type RevocationReason } from './revocation-reason.ts';
import { sign } from './signed-structure.ts';
import { authorityKeyIdentifier } from './standard-extensions.ts';

export interface CertificateListFields {
  readonly issuer: Name;
  /** The issuer certificate's subject key identifier. */
  readonly authorityKeyIdentifier: Uint8Array;
  /** RFC 5280 5.2.3: greater than in any list before it from this issuer. */
  readonly number: number;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly revoked: Iterable<RevokedCertificate>;
}

export interface RevokedCertificate {
  /** Lower-case hex of the serial number's octets. */
  readonly serialNumber: string;
  readonly revokedAt: Date;
  readonly reason: RevocationReason;
}

/** Signs a version 2 CertificateList (RFC 5280 5.1), DER. */
export async function createCertificateList(
  key: Key,
  scheme: SignatureScheme,
  fields: CertificateListFields,
): Promise<Uint8Array> {
  const entries = Array.from(fields.revoked, encodeEntry);
  const tbsCertList = sequence(
    integer(1),
    signatureAlgorithmIdentifier(scheme),
    fields.issuer.der,
    time(fields.thisUpdate),
    time(fields.nextUpdate),
    // RFC 5280 5.1.2.6: absent when nothing is revoked.
    ...(entries.length === 0 ? [] : [sequenceOf(entries)]),
    context(
      0,
      encodeExtensions([
        authorityKeyIdentifier(fields.authorityKeyIdentifier),
        { oid: oids.cRLNumber, critical: false, value: integer(fields.number) },
      ]),
    ),
  );
  return sign(key, scheme, tbsCertList);
}

function encodeEntry({ serialNumber, revokedAt, reason }: RevokedCertificate): Uint8Array {
  const serial = element(tag.integer, Buffer.from(serialNumber, 'hex'));
  // RFC 5280 5.3.1: unspecified SHOULD be expressed by absence.
  if (reason === 'unspecified') return sequence(serial, time(revokedAt));
  const reasonCode = {
    oid: oids.cRLReason,
    critical: false,
    value: encodeCrlReason(reason),
  };
  return sequence(serial, time(revokedAt), encodeExtensions([reasonCode]));
}
