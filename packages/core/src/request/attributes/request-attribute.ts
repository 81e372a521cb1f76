import type { Certificate } from '../../x509/certificate.ts';
import type { Extension } from '../../x509/extension.ts';
import type { CertificateTemplate } from '../../x509/microsoft-extensions.ts';
import type { ChallengePassword } from './challenge-password.ts';
import type { EnrollCertType } from './enroll-cert-type.ts';
import type { EnrollmentCspProvider } from './enrollment-csp-provider.ts';
import type { RequestClientInfo } from './request-client-info.ts';

/** An attribute of a PKCS#10 request by what it means. Everything in it is the requester's word. */
export type RequestAttribute =
  | OsVersion
  | (EnrollmentCspProvider & { readonly kind: 'enrollmentCspProvider' })
  | RenewalCertificate
  | (RequestClientInfo & { readonly kind: 'requestClientInfo' })
  | ExtensionRequest
  | (EnrollCertType & { readonly kind: 'enrollCertType' })
  | CertificateTemplateWish
  | NtPrincipalName
  | ChallengePasswordAttribute
  | AttestationAttribute
  | UnknownAttribute;

/** szOID_OS_VERSION (MS-WCCE 2.2.2.7.1), such as `10.0.26100.2`. */
export interface OsVersion {
  readonly kind: 'osVersion';
  readonly version: string;
}

/** szOID_RENEWAL_CERTIFICATE (MS-WCCE 2.2.2.7.3): the certificate that the requester wants renewed. */
export interface RenewalCertificate {
  readonly kind: 'renewalCertificate';
  readonly certificate: Certificate;
}

/** Extensions that the requester would like: extensionRequest (RFC 2985 5.4.2) or szOID_CERT_EXTENSIONS. */
export interface ExtensionRequest {
  readonly kind: 'extensionRequest';
  readonly type: 'pkcs9' | 'microsoft';
  /** At least one, none twice. */
  readonly extensions: readonly Extension[];
}

/** szOID_CERTIFICATE_TEMPLATE (MS-WCCE 2.2.2.7.7.2) as an attribute: the template that the requester wants. */
export interface CertificateTemplateWish {
  readonly kind: 'certificateTemplate';
  readonly template: CertificateTemplate;
}

/** szOID_NT_PRINCIPAL_NAME (MS-WCCE 2.2.2.7.5) as an attribute. */
export interface NtPrincipalName {
  readonly kind: 'ntPrincipalName';
  readonly userPrincipalName: string;
}

/** challengePassword (RFC 2985 5.4.1). */
export interface ChallengePasswordAttribute {
  readonly kind: 'challengePassword';
  readonly password: ChallengePassword;
}

/** One of the attributes of key attestation (MS-WCCE 2.2.2.7.11 and on), recognized by its OID and left as it is. */
export interface AttestationAttribute {
  readonly kind: 'attestation';
  readonly name: AttestationName;
  /** Whole elements, DER. */
  readonly values: readonly Uint8Array[];
}

export type AttestationName =
  | 'enrollAttestationStatement'
  | 'enrollEkInfo'
  | 'enrollAikInfo'
  | 'enrollKspName'
  | 'enrollAttestationChallenge'
  | 'enrollCaExchangeCertificateHash'
  | 'enrollEncryptionAlgorithm';

export interface UnknownAttribute {
  readonly kind: 'unknown';
  readonly type: string;
  /** Whole elements, DER. */
  readonly values: readonly Uint8Array[];
}
