export {
  createFileDirectory,
  openFileDirectory,
  type FileDirectory,
  type FileDirectoryOptions,
} from './directory/file-directory.ts';
export { requireWellFormed, type NewDirectoryUser } from './directory/user-rules.ts';

export { HttpsStations, type HttpsStationsOptions } from './provisioning/https-stations.ts';
export { ProvisioningJournal, type ProvisioningRecord } from './provisioning/journal.ts';
export {
  provision,
  type ProvisioningOptions,
  type ProvisioningOutcome,
  type ProvisioningStep,
} from './provisioning/provision.ts';
export type {
  Authentication,
  EnrollmentAnswer,
  NotSynced,
  Registered,
  Stations,
} from './provisioning/stations.ts';

export {
  assertEnteredAlike,
  assertPinNotExpired,
  changePin,
  checkPin,
  defaultPinPolicy,
  effectivePinPolicy,
  isSimple,
  PinHistory,
  pinExpiration,
  type CharacterRule,
  type HistoryCost,
  type PinChange,
  type PinExpiration,
  type PinPolicy,
  type PinPolicySettings,
} from './pin/index.ts';

export {
  assertWillProvision,
  checkPrerequisites,
  enrollmentEvent,
  formatPrerequisites,
  keyRegisteredEvent,
  mustEnrollEvent,
  prerequisiteEvent,
  willRetryEvent,
  type Answer,
  type DeviceEvent,
  type DeviceState,
  type LogonCertificateFacts,
  type RegisteredKeyFacts,
  type PolicySource,
  type PrerequisiteLine,
  type PrerequisiteReport,
  type TemplateState,
} from './prerequisites/index.ts';

export {
  assertFresh,
  authenticatorCode,
  customVerifier,
  maxProofAgeMs,
  TotpVerifier,
  type MultiFactorProof,
  type MultiFactorVerifier,
  type TotpVerifierOptions,
} from './mfa/index.ts';
