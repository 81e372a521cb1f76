import { oids } from '../../object-identifiers.ts';
import { applicationPolicies } from '../../x509/microsoft-extensions.ts';
import type { Name } from '../../x509/name.ts';
import { extendedKeyUsage, keyUsage } from '../../x509/standard-extensions.ts';
import type { CertificateContents } from './profile.ts';

/** The certificate with which a registration authority signs requests on behalf of users, and does nothing else. */
export function enrollmentAgent(subject: Name): CertificateContents {
  return {
    subject,
    validityYears: 2,
    extensions: [
      keyUsage('digitalSignature'),
      extendedKeyUsage(oids.certificateRequestAgent),
      applicationPolicies(oids.certificateRequestAgent),
    ],
  };
}
