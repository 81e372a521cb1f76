import type { ConformanceArea } from './conformance-case.ts';

/** What became of one case. */
export type ConformanceOutcome =
  | { readonly kind: 'pass' }
  | {
      readonly kind: 'fail';
      readonly expected: string;
      readonly found: string;
      /** Where the case or the provider threw, without PINs; undefined where nothing was thrown. */
      readonly stack: string | undefined;
    }
  /** The provider, or the target, says that it does not have this. */
  | { readonly kind: 'not-supported'; readonly reason: string }
  /** It was not tried: the target does not allow it, this machine lacks something, or a case that it builds on failed. */
  | { readonly kind: 'skipped'; readonly reason: string };

export interface ConformanceResult {
  readonly id: string;
  readonly area: ConformanceArea;
  readonly title: string;
  /** What is demanded. */
  readonly rule: string;
  /** Where that stands. */
  readonly source: string;
  readonly outcome: ConformanceOutcome;
  readonly durationMs: number;
}

export interface ConformanceReport {
  readonly target: string;
  /** What the provider says of itself; undefined if it could not be opened. */
  readonly provider:
    | { readonly scheme: string; readonly description: string; readonly algorithms: readonly string[] }
    | undefined;
  readonly startedAt: Date;
  readonly durationMs: number;
  /** In the order in which they were tried. */
  readonly results: readonly ConformanceResult[];
  readonly counts: Readonly<Record<ConformanceOutcome['kind'], number>>;
  /** Whether the run was ended before its end; `notRun` says what is missing. */
  readonly interrupted: boolean;
  readonly notRun: readonly string[];
  /** References of keys that the kit made and did not get rid of. */
  readonly leftKeys: readonly string[];
}

export function countOutcomes(results: readonly ConformanceResult[]): ConformanceReport['counts'] {
  const counts = { pass: 0, fail: 0, 'not-supported': 0, skipped: 0 };
  for (const { outcome } of results) counts[outcome.kind] += 1;
  return counts;
}
