import type { TpmFacts, TpmUnderTest } from './tpm-under-test.ts';
import type { TrialMaterial } from './trial-material.ts';
import type { LatencyRecorder } from './latency.ts';
import type { TpmCheckArea, TpmCheckOutcome } from './tpm-validation-report.ts';
import type { ResolvedTpmValidationOptions } from './tpm-validation-options.ts';

/** One thing that is demanded of a TPM. */
export interface TpmCheck {
  readonly id: string;
  readonly area: TpmCheckArea;
  readonly title: string;
  readonly rule: string;
  readonly source: string;
  readonly expected: string;
  /** What it means if the TPM refuses what this check asks of it. */
  readonly consequence: string;
  /** What a refusal makes of the check; default `fail`. */
  readonly ifRefused?: 'fail' | 'warning';
  /** Ids of checks without whose pass this one means nothing. */
  readonly needs?: readonly string[];
  run(context: TpmCheckContext): Promise<TpmFinding> | TpmFinding;
}

/** What one check came to. */
export interface TpmFinding {
  readonly outcome: TpmCheckOutcome;
  readonly found: string;
  readonly meaning: string;
}

/** What checks work with. */
export interface TpmCheckContext {
  readonly tpm: TpmUnderTest;
  readonly facts: TpmFacts;
  readonly options: ResolvedTpmValidationOptions;
  readonly material: TrialMaterial;
  readonly latency: LatencyRecorder;
  /**
   * Before each of several long steps: tells how far it is.
   * @throws Interrupted
   */
  readonly step: (done: number, total: number) => void;
}

export function inArea(area: TpmCheckArea, checks: readonly Omit<TpmCheck, 'area'>[]): readonly TpmCheck[] {
  return checks.map((check) => ({ ...check, area }));
}

export function pass(found: string, meaning: string): TpmFinding {
  return { outcome: 'pass', found, meaning };
}

export function warning(found: string, meaning: string): TpmFinding {
  return { outcome: 'warning', found, meaning };
}

export function failure(found: string, meaning: string): TpmFinding {
  return { outcome: 'fail', found, meaning };
}

export function skipped(why: string, meaning: string): TpmFinding {
  return { outcome: 'skipped', found: why, meaning };
}

export function notSupported(found: string, meaning: string): TpmFinding {
  return { outcome: 'not-supported', found, meaning };
}
