import type { DerReader } from '../asn1/der-reader.ts';
import { context, contextContents, generalizedTime, sequence } from '../asn1/der-writer.ts';
import { contextConstructed, contextPrimitive, tag } from '../asn1/tag.ts';
import type { Extension } from '../x509/extension.ts';
import {
  encodeCrlReason,
  parseCrlReason,
  type CrlReason,
  type RevocationReason,
} from '../x509/revocation-reason.ts';
import { readCertId, type CertId } from './cert-id.ts';
import { readExplicitExtensions } from './ocsp-request.ts';

/** CertStatus (RFC 6960 4.2.1). A certificate on hold is revoked, for the reason `certificateHold`. */
export type CertificateStatus<Reason extends CrlReason = CrlReason> =
  | { readonly kind: 'good' }
  | { readonly kind: 'revoked'; readonly revokedAt: Date; readonly reason: Reason }
  | { readonly kind: 'unknown' };

export interface SingleResponseFields {
  readonly certId: CertId;
  readonly status: CertificateStatus<RevocationReason>;
  /** When the status is known to have been right. */
  readonly thisUpdate: Date;
  /** When newer information will be there at the latest; absent if it always is. */
  readonly nextUpdate?: Date;
}

/** What a response says of one certificate. */
export interface SingleResponse {
  readonly certId: CertId;
  readonly status: CertificateStatus;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly extensions: readonly Extension[];
}

export function encodeSingleResponse(fields: SingleResponseFields): Uint8Array {
  const { certId, status, thisUpdate, nextUpdate } = fields;
  return sequence(
    certId.der,
    encodeStatus(status),
    generalizedTime(thisUpdate),
    ...(nextUpdate === undefined ? [] : [context(0, generalizedTime(nextUpdate))]),
  );
}

/** @throws CountersignError `DER_MALFORMED` */
export function readSingleResponse(reader: DerReader): SingleResponse {
  const single = reader.sequence();
  const certId = readCertId(single);
  const status = readStatus(single);
  const thisUpdate = single.generalizedTime();
  const nextUpdate = single.at(contextConstructed(0)) ? readExplicitTime(single.context(0)) : undefined;
  const extensions = readExplicitExtensions(single, 1);
  single.end();
  return { certId, status, thisUpdate, nextUpdate, extensions };
}

function encodeStatus(status: CertificateStatus<RevocationReason>): Uint8Array {
  switch (status.kind) {
    case 'good':
      return contextContents(0, new Uint8Array());
    case 'unknown':
      return contextContents(2, new Uint8Array());
    case 'revoked': {
      // As in CRLs, unspecified is expressed by absence (RFC 5280 5.3.1).
      const reason = status.reason === 'unspecified' ? [] : [context(0, encodeCrlReason(status.reason))];
      return context(1, generalizedTime(status.revokedAt), ...reason);
    }
  }
}

function readStatus(reader: DerReader): CertificateStatus {
  if (reader.at(contextConstructed(1))) {
    const revoked = reader.context(1);
    const revokedAt = revoked.generalizedTime();
    const reason = revoked.at(contextConstructed(0)) ? readExplicitReason(revoked.context(0)) : 'unspecified';
    revoked.end();
    return { kind: 'revoked', revokedAt, reason };
  }
  const [n, kind] = reader.at(contextPrimitive(0)) ? ([0, 'good'] as const) : ([2, 'unknown'] as const);
  if (reader.contextContents(n).length !== 0) throw reader.malformed('a NULL has contents');
  return { kind };
}

function readExplicitTime(explicit: DerReader): Date {
  const time = explicit.generalizedTime();
  explicit.end();
  return time;
}

function readExplicitReason(explicit: DerReader): CrlReason {
  const reason = parseCrlReason(explicit.element(tag.enumerated));
  explicit.end();
  return reason;
}
