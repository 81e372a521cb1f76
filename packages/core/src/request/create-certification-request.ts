import { integer, oid, sequence, setOf } from '../asn1/der-writer.ts';
import { contextConstructed } from '../asn1/tag.ts';
import type { Key } from '../keys/key-provider.ts';
import { PublicKey } from '../keys/public-key.ts';
import { preferredScheme } from '../keys/preferred-scheme.ts';
import type { SignatureScheme } from '../keys/signature-scheme.ts';
import { oids } from '../object-identifiers.ts';
import { encodeExtensions, type Extension } from '../x509/extension.ts';
import { Name } from '../x509/name.ts';
import { sign } from '../x509/signed-structure.ts';
import type { Attribute } from './certification-request-info.ts';

export interface CertificationRequestFields {
  /** Empty if absent: the CA takes the subject from the directory anyway. */
  readonly subject?: Name;
  /** Asked for, not granted: they go into an extensionRequest attribute (RFC 2985 5.4.2). */
  readonly extensionRequests?: readonly Extension[];
  readonly attributes?: readonly Attribute[];
  /** The key's first choice if absent. */
  readonly scheme?: SignatureScheme;
}

/**
 * Makes a PKCS#10 certification request (RFC 2986) for a key, signed with that key.
 * @returns the request, DER
 * @throws CountersignError what `key.sign` throws; `KEY_NOT_ACCEPTABLE` if the key's own public key is not sound
 */
export async function createCertificationRequest(
  key: Key,
  fields: CertificationRequestFields = {},
): Promise<Uint8Array> {
  const { subject = Name.empty, extensionRequests = [], attributes = [] } = fields;
  const { subjectPublicKeyInfo } = PublicKey.parse(key.publicKey);
  const allAttributes =
    extensionRequests.length === 0
      ? attributes
      : [...attributes, { type: oids.extensionRequest, values: [encodeExtensions(extensionRequests)] }];
  const certificationRequestInfo = encodeCertificationRequestInfo(
    subject,
    subjectPublicKeyInfo,
    allAttributes,
  );
  return sign(key, fields.scheme ?? preferredScheme(key), certificationRequestInfo);
}

/** What a request's signature covers (RFC 2986 4.1). @returns CertificationRequestInfo, DER */
export function encodeCertificationRequestInfo(
  subject: Name,
  subjectPublicKeyInfo: Uint8Array,
  attributes: readonly Attribute[],
): Uint8Array {
  return sequence(
    integer(0),
    subject.der,
    subjectPublicKeyInfo,
    setOf(attributes.map(encodeAttribute), contextConstructed(0)),
  );
}

export function encodeAttribute({ type, values }: Attribute): Uint8Array {
  return sequence(oid(type), setOf(values));
}
