import { DerReader } from '../asn1/der-reader.ts';
import { contextConstructed, tag } from '../asn1/tag.ts';
import { PublicKey } from '../keys/public-key.ts';
import { Name } from '../x509/name.ts';

/** An attribute of a request: its values are whole DER elements. */
export interface Attribute {
  readonly type: string;
  readonly values: readonly Uint8Array[];
}

/** What the signature of a certification request covers (RFC 2986 4.1). */
export interface CertificationRequestInfo {
  readonly subject: Name;
  readonly publicKey: PublicKey;
  readonly attributes: readonly Attribute[];
}

/**
 * @param der the CertificationRequestInfo and nothing after it
 * @throws CountersignError `DER_MALFORMED`, `ALGORITHM_NOT_SUPPORTED`, `KEY_NOT_ACCEPTABLE`, `INPUT_TOO_LARGE`
 */
export function parseCertificationRequestInfo(der: Uint8Array): CertificationRequestInfo {
  const info = DerReader.sequence(der, 'certification request');
  const version = info.smallInteger();
  // RFC 2986 4.1: version shall be v1(0).
  if (version !== 0) throw info.malformed(`the request has version ${version}; expected 0`);
  const subject = Name.read(info);
  const publicKey = PublicKey.parse(info.element(tag.sequence));
  const attributes = readAttributes(info);
  info.end();
  return { subject, publicKey, attributes };
}

/** `[0] IMPLICIT SET OF Attribute`: always there (RFC 2986 4.1), if only as an empty set. */
function readAttributes(info: DerReader): Attribute[] {
  return info.setOf(contextConstructed(0)).map((der) => {
    const reader = DerReader.sequence(der, 'attribute of a certification request');
    const type = reader.oid();
    const values = reader.setOf();
    if (values.length === 0) throw reader.malformed('an attribute has no value');
    reader.end();
    return { type, values };
  });
}
