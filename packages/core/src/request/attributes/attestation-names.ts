import type { AttestationName } from './request-attribute.ts';

/** The attributes of key attestation (MS-WCCE 2.2.2.7), by the names that `oids` has for them. */
export const attestationNames: readonly AttestationName[] = [
  'enrollAttestationStatement',
  'enrollEkInfo',
  'enrollAikInfo',
  'enrollKspName',
  'enrollAttestationChallenge',
  'enrollCaExchangeCertificateHash',
  'enrollEncryptionAlgorithm',
];
