import type { DirectoryUser } from '../../directory/directory.ts';
import type { PublicKey } from '../../keys/public-key.ts';
import type { Certificate } from '../../x509/certificate.ts';
import type { Extension } from '../../x509/extension.ts';
import { issuerKeyIdentifier } from '../../x509/issuer-key-identifier.ts';
import type { CertificateTemplate } from '../../x509/microsoft-extensions.ts';
import type { Name } from '../../x509/name.ts';
import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  cRLDistributionPoints,
  subjectKeyIdentifier,
} from '../../x509/standard-extensions.ts';
import type { Lifetime } from '../issuance/validity.ts';

/** What a certificate is for and for whom. Everything that it will say of its subject is in here. */
export type CertificateOrder =
  | {
      readonly profile: 'hello-logon';
      readonly user: DirectoryUser;
      readonly template: CertificateTemplate;
      /** What attestation of the key has earned (MS-WCCE 3.2.2.6.2.1.4.5.7). */
      readonly issuancePolicies: readonly string[];
    }
  | { readonly profile: 'enrollment-agent'; readonly subject: Name }
  | { readonly profile: 'kdc'; readonly realm: string; readonly hostName: string }
  | { readonly profile: 'ocsp-responder'; readonly subject: Name };

export type ProfileName = CertificateOrder['profile'];

export const profileNames: readonly ProfileName[] = [
  'hello-logon',
  'enrollment-agent',
  'kdc',
  'ocsp-responder',
];

/** What a profile makes of an order: the parts of a certificate that neither issuer nor key decide. */
export type CertificateContents = Lifetime & {
  readonly subject: Name;
  readonly extensions: readonly Extension[];
};

/** The issuer as its certificates point at it. */
export interface Issuer {
  readonly certificate: Certificate;
  /** Where relying parties find the CRL and the issuer's certificate: absolute URIs. */
  readonly crlUris: readonly string[];
  readonly caIssuersUris: readonly string[];
  /** Where they find an OCSP responder. */
  readonly ocspUris?: readonly string[];
}

/** The extensions that tie a certificate to its key and its issuer, the same in every profile. */
export function issuerExtensions(issuer: Issuer, publicKey: PublicKey): Extension[] {
  const access = { caIssuers: issuer.caIssuersUris, ocsp: issuer.ocspUris ?? [] };
  return [
    subjectKeyIdentifier(publicKey.keyIdentifier),
    authorityKeyIdentifier(issuerKeyIdentifier(issuer.certificate)),
    // RFC 5280 4.2.1.13 and 4.2.2.1 know no empty lists: an issuer that publishes nothing says nothing.
    ...(issuer.crlUris.length === 0 ? [] : [cRLDistributionPoints(issuer.crlUris)]),
    ...(access.caIssuers.length + access.ocsp.length === 0 ? [] : [authorityInfoAccess(access)]),
  ];
}
