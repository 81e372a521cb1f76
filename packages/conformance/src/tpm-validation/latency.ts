import { tpmOperations, type TpmLatency, type TpmOperation } from './tpm-validation-report.ts';

/** Collects how long operations took. */
export class LatencyRecorder {
  readonly #samples = new Map<TpmOperation, number[]>();

  add(operation: TpmOperation, milliseconds: number): void {
    const samples = this.#samples.get(operation) ?? [];
    samples.push(milliseconds);
    this.#samples.set(operation, samples);
  }

  /** Runs an operation, and keeps its time if it succeeds. */
  async measure<T>(operation: TpmOperation, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const result = await work();
    this.add(operation, performance.now() - start);
    return result;
  }

  /** @returns undefined if nothing was measured */
  of(operation: TpmOperation): TpmLatency | undefined {
    const samplesMs = this.#samples.get(operation);
    return samplesMs === undefined ? undefined : summarize(operation, samplesMs);
  }

  all(): readonly TpmLatency[] {
    return tpmOperations.flatMap((operation) => this.of(operation) ?? []);
  }
}

export const operationTitles: Readonly<Record<TpmOperation, string>> = {
  'round-trip': 'one command and its answer',
  'p256-create': 'P-256, making a key',
  'p256-sign': 'P-256, signing',
  'rsa2048-create': 'RSA 2048, making a key',
  'rsa2048-sign': 'RSA 2048, signing',
};

function summarize(operation: TpmOperation, samples: readonly number[]): TpmLatency {
  return {
    operation,
    title: operationTitles[operation],
    samplesMs: samples.map(rounded),
    medianMs: rounded(percentile(samples, 50)),
    p95Ms: rounded(percentile(samples, 95)),
    p99Ms: rounded(percentile(samples, 99)),
  };
}

/** The nearest-rank percentile: the smallest sample that no less than so many percent of the samples do not exceed. */
export function percentile(samples: readonly number[], percent: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  const found = sorted[rank - 1];
  if (found === undefined) throw new RangeError('there is no percentile of no samples');
  return found;
}

/** Microseconds are noise. */
function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
