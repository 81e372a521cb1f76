import { oids } from '../object-identifiers.ts';
import type { Certificate } from './certificate.ts';
import { parseSubjectKeyIdentifier } from './standard-extensions.ts';

/**
 * What certificates and CRLs of an issuer carry as their authority key identifier: the subject key identifier that the
 * issuer's certificate has, however it was made up; where it has none, SHA-1 of its key (RFC 5280 4.2.1.1, 4.2.1.2).
 */
export function issuerKeyIdentifier(issuer: Certificate): Uint8Array {
  const value = issuer.extension(oids.subjectKeyIdentifier);
  return value === undefined ? issuer.publicKey.keyIdentifier : parseSubjectKeyIdentifier(value);
}
