import type { DirectoryUser } from '../../directory/directory.ts';
import { oids } from '../../object-identifiers.ts';
import {
  applicationPolicies,
  certificateTemplate,
  ntdsCaSecurityExtension,
  userPrincipalName,
  type CertificateTemplate,
} from '../../x509/microsoft-extensions.ts';
import { Name } from '../../x509/name.ts';
import { extendedKeyUsage, keyUsage, subjectAltName } from '../../x509/standard-extensions.ts';
import { certificatePolicies } from '../../x509/policy-extensions.ts';
import type { CertificateContents } from './profile.ts';

/**
 * The certificate with which a Windows Hello for Business user signs in: smart card logon under the user's own name
 * and SID, both from the directory (MS-PKCA 3.1.5.2.1 maps by them).
 * @param issuancePolicies what relying parties may learn of how the key is kept; none, and nothing is said
 */
export function helloLogon(
  user: DirectoryUser,
  template: CertificateTemplate,
  issuancePolicies: readonly string[],
): CertificateContents {
  return {
    subject: Name.fromString(user.distinguishedName),
    validityYears: 1,
    extensions: [
      keyUsage('digitalSignature'),
      extendedKeyUsage(...purposes),
      applicationPolicies(...purposes),
      certificateTemplate(template),
      subjectAltName([userPrincipalName(user.upn)]),
      ntdsCaSecurityExtension(user.sid),
      ...(issuancePolicies.length === 0 ? [] : [certificatePolicies(issuancePolicies)]),
    ],
  };
}

const purposes = [oids.smartCardLogon, oids.clientAuth];
