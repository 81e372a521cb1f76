export { endorsementKeySlots, type EndorsementKeySlot } from './endorsement-key-slot.ts';
export {
  findEndorsementKeySlots,
  readEndorsementCertificate,
  readEndorsementCertificateChain,
  type ReadCertificateOptions,
} from './endorsement-certificate.ts';
export { withEndorsementKey, type EndorsementKey, type EndorsementKeyRequest } from './endorsement-key.ts';
export {
  attestationKeyTemplate,
  createAttestationKey,
  type AttestationKeyAlgorithm,
  type AttestationKeyOptions,
  type NewAttestationKey,
} from './attestation-key.ts';
export { activateCredential } from './activate-credential.ts';
export { collectEvidence, type EvidenceSources } from './collect-evidence.ts';
export { quotePcrs } from './quote.ts';
export type { LoadedKey, SignedAttestation } from './signed-attestation.ts';
