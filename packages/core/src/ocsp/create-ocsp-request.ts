import { context, sequence, sequenceOf } from '../asn1/der-writer.ts';
import { encodeExtensions } from '../x509/extension.ts';
import type { Certificate } from '../x509/certificate.ts';
import { createCertId, type CertIdHash, type CertIdIssuer } from './cert-id.ts';
import { nonceExtension } from './nonce.ts';

export interface OcspRequestFields {
  /** One or more whose status is asked for, all of one issuer. */
  readonly certificates: readonly [Pick<Certificate, 'serialNumber'>, ...Pick<Certificate, 'serialNumber'>[]];
  readonly issuer: CertIdIssuer;
  /** SHA-1 if absent: the one that every responder knows. */
  readonly hash?: CertIdHash;
  /** 32 random octets, which the response must repeat; without it a response made beforehand will do. */
  readonly nonce?: Uint8Array;
}

/** Makes an unsigned OCSP request (RFC 6960 4.1.1), DER. */
export function createOcspRequest(fields: OcspRequestFields): Uint8Array {
  const { certificates, issuer, hash = 'sha1', nonce } = fields;
  const requestList = certificates.map(({ serialNumber }) =>
    sequence(createCertId(issuer, serialNumber, hash).der),
  );
  const extensions = nonce === undefined ? [] : [context(2, encodeExtensions([nonceExtension(nonce)]))];
  return sequence(sequence(sequenceOf(requestList), ...extensions));
}
