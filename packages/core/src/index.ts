export { CountersignError, type CountersignErrorOptions, type ErrorCode } from './errors.ts';
export { adcsErrorCodes, type AdcsErrorSymbol } from './adcs-error-codes.ts';

export { decodePemOrDer, encodePem, type PemLabel } from './asn1/pem.ts';

export {
  attestsDevice,
  attestsKey,
  type AttestationIdentity,
  type AttestsDevice,
  type AttestsKey,
  type CertifiedEndorsementKey,
} from './keys/attesting.ts';
export { isKeyAlgorithm, keyAlgorithms, type KeyAlgorithm } from './keys/key-algorithm.ts';
export {
  claimsKeyOrigin,
  isCertificateStore,
  isPinProtected,
  type CertificateStore,
  type ClaimsKeyOrigin,
  type Key,
  type KeyDescription,
  type KeyOriginClaims,
  type KeyProvider,
  type KeySpec,
  type PinProtected,
  type ProviderInfo,
  type StoredCertificate,
} from './keys/key-provider.ts';
export {
  formatKeyReference,
  keyReferenceMalformed,
  parseKeyReference,
  type KeyReferenceSyntax,
} from './keys/key-reference.ts';
export { preferredScheme } from './keys/preferred-scheme.ts';
export { PublicKey } from './keys/public-key.ts';
export { schemesOf } from './keys/signature-algorithm.ts';
export { signatureSchemes, type SignatureScheme } from './keys/signature-scheme.ts';
export { verifySignature } from './keys/verify-signature.ts';

export { CertificationRequest } from './request/certification-request.ts';
export type { Attribute } from './request/certification-request-info.ts';
export {
  createCertificationRequest,
  type CertificationRequestFields,
} from './request/create-certification-request.ts';
export { ChallengePassword } from './request/attributes/challenge-password.ts';
export {
  encodeEnrollCertType,
  parseEnrollCertType,
  type EnrollCertType,
} from './request/attributes/enroll-cert-type.ts';
export type { EnrollmentCspProvider } from './request/attributes/enrollment-csp-provider.ts';
export { encodeRequestAttribute } from './request/attributes/encode-request-attribute.ts';
export { matchesChallengePassword } from './request/attributes/matches-challenge-password.ts';
export { readRequestAttributes } from './request/attributes/read-request-attributes.ts';
export type { AttestationName, RequestAttribute } from './request/attributes/request-attribute.ts';
export type { RequestClientInfo } from './request/attributes/request-client-info.ts';

export { KeyHistory, keyStates, type KeyState, type KeyTransition } from './life-cycle/key-history.ts';
export { KeyCustody, type KeyCustodyOptions, type KeyInCustody } from './life-cycle/key-custody.ts';
export type { KeyRecord, KeyRecordStore } from './life-cycle/key-record.ts';
export { MemoryKeyRecords } from './life-cycle/memory-key-records.ts';
export type { Reconciliation } from './life-cycle/reconcile.ts';

export {
  createCountersignedRequest,
  parseCountersignedRequest,
  type CountersignedRequest,
} from './cms/countersigned-request.ts';
export { createCertificatesOnly, parseCertificatesOnly } from './cms/certificates-only.ts';
export { createRenewalRequest, renewalCertificateAttribute } from './cms/renewal-request.ts';
export { parseSignedData, verifySignerInfo, type SignedData } from './cms/parse-signed-data.ts';
export type { NameValuePair } from './cms/name-value-pair.ts';
export { readSignedData, type SignedMessage } from './cms/read-signed-data.ts';
export { createSignedData, type SignedDataFields } from './cms/signed-data.ts';
export {
  verifySignedBy,
  type SignedContent,
  type SignerIdentifier,
  type SignerInfo,
} from './cms/signer-info.ts';
export type { Control } from './cmc/control.ts';
export { createCmcRequest, type CmcRequestOptions } from './cmc/create-request.ts';
export { createCmcResponse, type CmcOutcome, type CmcResponseOptions } from './cmc/create-response.ts';
export { createNullSignedRequest } from './cmc/null-signature.ts';
export { isCmcRequest, parseCmcRequest, type CmcRequest } from './cmc/parse-request.ts';
export { parseCmcResponse, verifyCmcResponse, type CmcResponse } from './cmc/parse-response.ts';
export { encodeRegistrationInfo, parseRegistrationInfo } from './cmc/registration-info.ts';
export type { CmcFailInfo, CmcStatus, CmcStatusInfo, PendInfo } from './cmc/status-info.ts';
export type { CmcSigner } from './cmc/verify-signer.ts';
export type { Directory, DirectoryUser, RegisteredKeyCredential } from './directory/directory.ts';
export { encodeBcryptKeyBlob, parseBcryptKeyBlob } from './directory/key-credential/bcrypt-key-blob.ts';
export {
  createKeyCredential,
  type KeyCredentialFields,
} from './directory/key-credential/create-key-credential.ts';
export {
  customKeyFlags,
  type CustomKeyInformation,
} from './directory/key-credential/custom-key-information.ts';
export {
  encodeDnWithBinary,
  parseDnWithBinary,
  type DnWithBinary,
} from './directory/key-credential/dn-with-binary.ts';
export type { FidoKey } from './directory/key-credential/fido-key.ts';
export { KeyCredential } from './directory/key-credential/key-credential.ts';
export type { KeyMaterial } from './directory/key-credential/key-material.ts';
export type { KeySource, KeyUsage } from './directory/key-credential/key-usage.ts';
export {
  fromRegisteredKeyCredential,
  toRegisteredKeyCredential,
} from './directory/key-credential/registered-key-credential.ts';
export {
  RegistrationAuthority,
  type Countersigned,
  type CountersignOptions,
  type RegistrationAuthorityOptions,
} from './ra/registration-authority.ts';

export { auditChainStart, auditRecordHash, verifyAuditChain } from './ca/audit-chain.ts';
export { createRootCertificate } from './ca/ca-certificate.ts';
export {
  CertificationAuthority,
  type CertificationAuthorityOptions,
  type OperatorOrder,
} from './ca/certification-authority.ts';
export type { CrlOptions } from './ca/crl-publisher.ts';
export type { AgentProfile, EnrollmentAgentRight } from './ca/issuance/authorize-agent.ts';
export type {
  AuditEvent,
  AuditRecord,
  CompleteCrlContents,
  DeltaCrlContents,
  Ledger,
  LedgerEntry,
  ReleasedEntry,
  Revocation,
  RevokedEntry,
  SerialReservation,
} from './ca/ledger.ts';
export { MemoryLedger } from './ca/memory-ledger.ts';
export type { CertificateOrder, ProfileName } from './ca/profiles/profile.ts';

export { Certificate } from './x509/certificate.ts';
export type { Extension } from './x509/extension.ts';
export type { GeneralName } from './x509/general-name.ts';
export {
  parseApplicationPolicies,
  parseCertificateTemplate,
  parseNtdsCaSecurityExtension,
  userPrincipalName,
  userPrincipalNamesIn,
  type CertificateTemplate,
} from './x509/microsoft-extensions.ts';
export { Name } from './x509/name.ts';
export { parseCertificatePolicies } from './x509/policy-extensions.ts';
export {
  isRevocationReason,
  revocationReasonCodes,
  type RevocationReason,
} from './x509/revocation-reason.ts';
export {
  parseAuthorityKeyIdentifier,
  parseBasicConstraints,
  parseExtendedKeyUsage,
  parseKeyUsage,
  parseSubjectAltName,
  parseSubjectKeyIdentifier,
  subjectAltName,
  type BasicConstraints,
  type KeyUsageBit,
} from './x509/standard-extensions.ts';

export { findPath, type FoundPath, type PathDiscoveryInputs } from './path-validation/find-path.ts';
export {
  validatePath,
  type CertificateIssuer,
  type PathValidationInputs,
  type TrustAnchor,
  type ValidatedPath,
} from './path-validation/validate-path.ts';
export { CertificateList, type CertificateListEntry } from './x509/certificate-list.ts';
export { assertGoodKey, type KeyPolicy } from './key-quality/assert-good-key.ts';
export {
  createCertificateList,
  type CertificateListFields,
  type DeltaFields,
  type ReleasedCertificate,
  type RevokedCertificate,
} from './x509/create-certificate-list.ts';
export type { CertificateListScope } from './x509/certificate-list-extensions.ts';

export type { CertId, CertIdHash, CertIdIssuer } from './ocsp/cert-id.ts';
export { createOcspRequest, type OcspRequestFields } from './ocsp/create-ocsp-request.ts';
export {
  createOcspErrorResponse,
  createOcspResponse,
  type OcspResponseFields,
} from './ocsp/create-ocsp-response.ts';
export { createOcspNonce } from './ocsp/nonce.ts';
export { OcspRequest } from './ocsp/ocsp-request.ts';
export { OcspResponder, type OcspAnswer, type OcspResponderOptions } from './ocsp/ocsp-responder.ts';
export { OcspResponse, type BasicOcspResponse } from './ocsp/ocsp-response.ts';
export type { OcspErrorStatus, OcspResponseStatus } from './ocsp/response-status.ts';
export type { CertificateStatus } from './ocsp/single-response.ts';
export {
  verifyOcspResponse,
  type OcspVerificationInputs,
  type VerifiedOcspStatus,
} from './ocsp/verify-ocsp-response.ts';

export type {
  Activation,
  ActivationStore,
  ChallengeStore,
  Endorsement,
  PendingChallenge,
} from './attestation/activation/activation-store.ts';
export {
  AttestationChallenges,
  type AttestationChallenge,
  type AttestationChallengesOptions,
} from './attestation/activation/attestation-challenges.ts';
export type { AttestationNonce, NonceStore } from './attestation/activation/attestation-nonce.ts';
export { makeCredential, type Credential } from './attestation/activation/make-credential.ts';
export { MemoryActivationStore } from './attestation/activation/memory-activation-store.ts';
export type { AttestationKey, AttestationKeyBinding, TrustedRoots } from './attestation/attestation-key.ts';
export {
  applyAttestationPolicy,
  issuancePoliciesOf,
  type AttestationContext,
  type AttestationOutcome,
  type AttestationPolicy,
  type AttestationRules,
} from './attestation/attestation-policy.ts';
export {
  endorsementKeyTemplates,
  type EndorsementKeyTemplate,
} from './attestation/endorsement/endorsement-key-template.ts';
export { tpmIdentityOf, type TpmIdentity } from './attestation/endorsement/tpm-identity.ts';
export {
  verifyEndorsementKey,
  type EndorsementKeyInputs,
  type VerifiedEndorsementKey,
} from './attestation/endorsement/verify-endorsement-key.ts';
export {
  findTpmKeyEvidence,
  parseAttestationBundle,
  tpmKeyEvidenceAttribute,
  type ParsedTpmKeyEvidence,
  type TpmKeyEvidence,
} from './attestation/evidence.ts';
export type { AsymmetricParameters, TpmKeyScheme } from './attestation/tpm/asymmetric-parameters.ts';
export {
  parseTpmAttest,
  type PcrSelection,
  type TpmAttest,
  type TpmCertifyAttest,
  type TpmClock,
  type TpmQuoteAttest,
} from './attestation/tpm/attest.ts';
export type { ObjectAttribute, ObjectAttributes } from './attestation/tpm/object-attributes.ts';
export { TpmPublicArea, type TpmPublicAreaFields } from './attestation/tpm/public-area.ts';
export { encodeTpmSignature, parseTpmSignature, type TpmSignature } from './attestation/tpm/signature.ts';
export { verifyAttestSignature } from './attestation/verify-attest-signature.ts';
export { RequestAttestation, type RequestAttestationOptions } from './attestation/request-attestation.ts';
export {
  verifyTpmKeyAttestation,
  type TpmKeyAttestation,
  type TpmKeyAttestationInputs,
} from './attestation/verify-tpm-key-attestation.ts';
