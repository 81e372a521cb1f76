/**
 * What the validation of one TPM came to. It is plain JSON: dates are ISO 8601 in UTC, octets are hex, and what is not known
 * is null.
 */
export interface TpmValidationReport {
  /** How the TPM was reached: its URI. */
  readonly tpm: string;
  /** Null if the TPM could not be asked. */
  readonly identity: TpmReportedIdentity | null;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly verdict: TpmVerdict;
  /** In the order in which they were made; those that were not reached are in `notRun`. */
  readonly checks: readonly TpmCheckResult[];
  readonly counts: Readonly<Record<TpmCheckOutcome, number>>;
  /** Empty if nothing was measured. */
  readonly latency: readonly TpmLatency[];
  readonly publishedLatency: TpmPublishedLatency;
  /** Whether the run was ended before its end; `notRun` has the ids of the checks that are missing. */
  readonly interrupted: boolean;
  readonly notRun: readonly string[];
}

/** What the TPM says of itself (TPM 2.0 part 2, 6.13). Its own word: only attestation proves it. */
export interface TpmReportedIdentity {
  /** TPM_PT_MANUFACTURER, the four characters of TCG's registry, such as `INTC`. */
  readonly manufacturer: string;
  /** The name of that manufacturer, where the registry has it. */
  readonly manufacturerName: string | null;
  readonly vendorString: string;
  /** TPM_PT_FIRMWARE_VERSION_1 and 2, as four numbers with dots. */
  readonly firmware: string;
  /** TPM_PT_FAMILY_INDICATOR, such as `2.0`. */
  readonly family: string;
  /** TPM_PT_REVISION, such as `1.59`. */
  readonly specificationRevision: string;
  /** The date of that specification, `2019-11-08`; null where the TPM gives none. */
  readonly specificationDate: string | null;
}

/**
 * - `pass`: as the rule demands
 * - `warning`: usable, with the limits that `meaning` tells
 * - `fail`: the TPM is unfit because of it
 * - `skipped`: not tried, because it was not allowed, lacked something, or builds on a check that did not pass
 * - `not-supported`: the TPM says that it does not have this, and need not
 */
export const tpmCheckOutcomes = ['pass', 'warning', 'fail', 'skipped', 'not-supported'] as const;
export type TpmCheckOutcome = (typeof tpmCheckOutcomes)[number];

export const tpmCheckAreas = [
  'identity',
  'algorithms',
  'random',
  'lockout',
  'keys',
  'endorsement',
  'attestation',
  'latency',
  'persistence',
  'link',
  'traces',
] as const;
export type TpmCheckArea = (typeof tpmCheckAreas)[number];

export interface TpmCheckResult {
  /** Stable, such as `lockout.tries`. */
  readonly id: string;
  readonly area: TpmCheckArea;
  readonly title: string;
  /** What is demanded. */
  readonly rule: string;
  /** Where that stands. */
  readonly source: string;
  readonly outcome: TpmCheckOutcome;
  /** What was found; of a check that was skipped, why. */
  readonly found: string;
  readonly expected: string;
  /** What the finding means for keys of Hello's kind, and what to do about it where it is not as it should be. */
  readonly meaning: string;
  readonly durationMs: number;
}

export const tpmVerdictKinds = ['fit', 'fit-with-warnings', 'unfit', 'undecided'] as const;

export interface TpmVerdict {
  /** `undecided`: the run was interrupted, and nothing that was found until then makes the TPM unfit. */
  readonly kind: (typeof tpmVerdictKinds)[number];
  /** Failures first. Empty if it is fit. */
  readonly reasons: readonly TpmVerdictReason[];
}

export interface TpmVerdictReason {
  /** The check that says so; null for an interruption. */
  readonly check: string | null;
  readonly severity: 'failure' | 'warning';
  readonly text: string;
}

export const tpmOperations = [
  'round-trip',
  'p256-create',
  'p256-sign',
  'rsa2048-create',
  'rsa2048-sign',
] as const;
export type TpmOperation = (typeof tpmOperations)[number];

export interface TpmLatency {
  readonly operation: TpmOperation;
  /** For people, such as `RSA 2048, signing`. */
  readonly title: string;
  /** Milliseconds, in the order of measurement. Never empty. */
  readonly samplesMs: readonly number[];
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

export interface TpmPublishedLatency {
  /** Where the figures are from. */
  readonly source: string;
  /** Which of the vendors made this TPM; null if none of them. */
  readonly vendor: string | null;
  /** Of all vendors, for comparison. */
  readonly figures: readonly TpmPublishedFigure[];
}

export interface TpmPublishedFigure {
  readonly vendor: string;
  readonly operation: TpmOperation;
  /** Median over firmwares of each one's median. */
  readonly medianMs: number;
  /** The fastest and the slowest firmware's median, where published. */
  readonly lowestMs: number | null;
  readonly highestMs: number | null;
  readonly p95Ms: number | null;
}
