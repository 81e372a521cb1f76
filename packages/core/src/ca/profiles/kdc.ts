import { oids } from '../../object-identifiers.ts';
import { kdcPrincipalName } from '../../x509/kerberos-names.ts';
import { Name } from '../../x509/name.ts';
import { extendedKeyUsage, keyUsage, subjectAltName } from '../../x509/standard-extensions.ts';
import type { CertificateContents } from './profile.ts';

/**
 * The certificate of a Kerberos KDC (RFC 4556 3.2.4): clients check id-pkinit-KPKdc and krbtgt/REALM@REALM, or
 * serverAuth and the host name.
 */
export function kdc(realm: string, hostName: string): CertificateContents {
  return {
    subject: Name.fromString(`CN=${hostName}`),
    validityYears: 1,
    extensions: [
      keyUsage('digitalSignature', 'keyAgreement'),
      extendedKeyUsage(oids.keyPurposeKdc, oids.serverAuth, oids.clientAuth),
      subjectAltName([{ kind: 'dNSName', text: hostName }, kdcPrincipalName(realm)]),
    ],
  };
}
