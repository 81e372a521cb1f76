export { resetProvisioning, type ResetOptions, type ResetOutcome } from './reset.ts';
export { resetSteps, type ResetStep } from './reset-journal.ts';
export type { KeyRegistry, ResetStations, RevocationSubject } from './reset-stations.ts';
export { revokeAt } from './revoke-certificates.ts';
