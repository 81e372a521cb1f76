import type { ConformanceCase } from './conformance-case.ts';
import { conformanceCases } from './conformance-cases.ts';

/** A case, without what it does. */
export type ConformanceCaseDescription = Omit<ConformanceCase, 'run'>;

/** Every case there is, in the order in which they run. */
export const conformanceCaseList: readonly ConformanceCaseDescription[] = conformanceCases.map(
  ({ id, area, title, rule, source, needs = [] }) => ({ id, area, title, rule, source, needs }),
);
