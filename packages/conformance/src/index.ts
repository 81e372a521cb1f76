export { runConformance, type ConformanceOptions } from './run-conformance.ts';
export type { ConformanceTarget, EnduranceCounts } from './conformance-target.ts';
export type { ConformanceOutcome, ConformanceReport, ConformanceResult } from './conformance-result.ts';
export { conformanceAreas, type ConformanceArea } from './conformance-case.ts';
export { conformanceCaseList, type ConformanceCaseDescription } from './conformance-case-list.ts';
