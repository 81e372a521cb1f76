export { runConformance, type ConformanceOptions } from './run-conformance.ts';
export type { ConformanceTarget, EnduranceCounts } from './conformance-target.ts';
export type { ConformanceOutcome, ConformanceReport, ConformanceResult } from './conformance-result.ts';
export { conformanceAreas, type ConformanceArea } from './conformance-case.ts';
export { conformanceCaseList, type ConformanceCaseDescription } from './conformance-case-list.ts';
export { tpmCheckList, validateTpm, type TpmValidationProgress } from './tpm-validation/validate-tpm.ts';
export type { SavedTrialKey, TpmValidationOptions } from './tpm-validation/tpm-validation-options.ts';
export type * from './tpm-validation/tpm-under-test.ts';
export * from './tpm-validation/tpm-validation-report.ts';
