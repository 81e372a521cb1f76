import { nullValue } from '../../asn1/der-writer.ts';
import { oids } from '../../object-identifiers.ts';
import type { Name } from '../../x509/name.ts';
import { extendedKeyUsage, keyUsage } from '../../x509/standard-extensions.ts';
import type { CertificateContents } from './profile.ts';

/**
 * The certificate of one who signs OCSP responses for the CA (RFC 6960 4.2.2.2). Clients do not ask whether it is
 * revoked itself, so it lasts only as long as one would put up with a stolen key.
 */
export function ocspResponder(subject: Name): CertificateContents {
  return {
    subject,
    validityDays: 14,
    extensions: [
      keyUsage('digitalSignature'),
      extendedKeyUsage(oids.ocspSigning),
      { oid: oids.ocspNoCheck, critical: false, value: nullValue() },
    ],
  };
}
