export {
  CertificateEnrollment,
  type CertificateEnrollmentOptions,
  type EnrolledCertificate,
  type EnrollmentRequest,
} from './certificate-enrollment.ts';
export type { RaMetadata } from './metadata.ts';
export {
  RaClient,
  type CertificateOrderFields,
  type RaClientOptions,
  type ReceivedCertificate,
} from './ra-client.ts';
export { startRaService, type RaServiceOptions } from './ra-service.ts';
