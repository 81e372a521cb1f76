export { enrollWhenSynced, type EnrollWhenSyncedOptions } from './enroll-when-synced.ts';
export {
  describeEnrollmentRetries,
  enrollmentRetryMinutes,
  nextEnrollmentRetry,
  type EnrollmentRetry,
} from './enrollment-retry.ts';
export {
  fileDirectoryTarget,
  type KeyCredentialSource,
  type KeyCredentialTarget,
} from './key-credential-target.ts';
export { KeySync, type KeySyncOptions, type KeySyncResult } from './key-sync.ts';
export { KeySyncSchedule, type KeySyncScheduleOptions } from './key-sync-schedule.ts';
export type { KeySyncRun, KeySyncState } from './key-sync-state.ts';
export {
  planSync,
  type PlannedAddition,
  type RefusedKey,
  type SyncedKey,
  type SyncPlan,
} from './plan-sync.ts';
