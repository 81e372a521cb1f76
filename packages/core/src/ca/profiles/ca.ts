import type { PublicKey } from '../../keys/public-key.ts';
import type { Name } from '../../x509/name.ts';
import { basicConstraints, keyUsage, subjectKeyIdentifier } from '../../x509/standard-extensions.ts';
import type { CertificateContents } from './profile.ts';

/** The self-signed certificate of a CA that issues to end entities only (RFC 5280 4.2.1.3, 4.2.1.9). */
export function rootCa(subject: Name, publicKey: PublicKey): CertificateContents {
  return {
    subject,
    validityYears: 10,
    extensions: [
      basicConstraints({ cA: true, pathLenConstraint: 0 }),
      keyUsage('keyCertSign', 'cRLSign'),
      subjectKeyIdentifier(publicKey.keyIdentifier),
    ],
  };
}
