import { Interrupted } from '../deadline.ts';
import { describeError, isCountersignError } from '../deviation.ts';
import { closingChecks, type ClosingFacts } from './checks/closing.ts';
import { LatencyRecorder } from './latency.ts';
import { linkIncidentOf, type LinkIncident } from './link-incidents.ts';
import { publishedLatencyFor } from './published-latency.ts';
import { failure, pass, skipped, type TpmCheck, type TpmCheckContext, type TpmFinding } from './tpm-check.ts';
import { tpmChecks } from './tpm-checks.ts';
import type { TpmFacts, TpmUnderTest } from './tpm-under-test.ts';
import {
  resolveOptions,
  type ResolvedTpmValidationOptions,
  type TpmValidationOptions,
} from './tpm-validation-options.ts';
import {
  tpmCheckOutcomes,
  type TpmCheckOutcome,
  type TpmCheckResult,
  type TpmValidationReport,
} from './tpm-validation-report.ts';
import { TrialMaterial } from './trial-material.ts';
import { decideVerdict } from './verdict.ts';

/** What is told while the validation is under way. */
export type TpmValidationProgress =
  | { readonly kind: 'started'; readonly id: string; readonly title: string }
  /** Of a check with many steps. */
  | { readonly kind: 'step'; readonly id: string; readonly done: number; readonly total: number }
  | { readonly kind: 'done'; readonly result: TpmCheckResult };

/**
 * Finds out whether a TPM is fit for keys of Hello's kind. It leaves the TPM as it found it, also when it is interrupted;
 * what could change that is allowed by options.
 * @throws CountersignError if there is no TPM to ask: `TPM_NOT_FOUND`, `TPM_NOT_PERMITTED`, `TPM_BUSY`,
 *   `TPM_VERSION_NOT_SUPPORTED`, `TPM_UNREACHABLE`; RangeError for options that are out of range
 */
export async function validateTpm(
  tpm: TpmUnderTest,
  options: TpmValidationOptions = {},
  tell: (progress: TpmValidationProgress) => void = () => undefined,
): Promise<TpmValidationReport> {
  return new TpmValidation(tpm, resolveOptions(options), tell).run();
}

/** Ids and titles of all checks, in their order. */
export const tpmCheckList: readonly Pick<TpmCheck, 'id' | 'area' | 'title' | 'rule' | 'source'>[] = [
  openCheckDescription(),
  ...tpmChecks,
  ...closingChecks,
].map(({ id, area, title, rule, source }) => ({ id, area, title, rule, source }));

function openCheckDescription(): Pick<TpmCheck, 'id' | 'area' | 'title' | 'rule' | 'source' | 'expected'> {
  return {
    id: 'link.open',
    area: 'link',
    title: 'it can be asked, in sessions that protect what is said',
    rule: 'Sessions salted with a storage key are started, and capabilities read in them.',
    source: 'TPM 2.0 part 1, 19.6',
    expected: 'facts that the TPM vouches for',
  };
}

class TpmValidation {
  readonly #tpm: TpmUnderTest;
  readonly #options: ResolvedTpmValidationOptions;
  readonly #tell: (progress: TpmValidationProgress) => void;
  readonly #results: TpmCheckResult[] = [];
  readonly #incidents: LinkIncident[] = [];
  readonly #latency = new LatencyRecorder();
  #contacted = false;
  #interrupted = false;
  /** Of commands in a row that nothing came back for. */
  #lostInRow = 0;

  constructor(
    tpm: TpmUnderTest,
    options: ResolvedTpmValidationOptions,
    tell: (progress: TpmValidationProgress) => void,
  ) {
    this.#tpm = tpm;
    this.#options = options;
    this.#tell = tell;
  }

  async run(): Promise<TpmValidationReport> {
    const startedAt = new Date();
    const start = performance.now();
    const before = await this.#persistently('looking at what it holds', async () => this.#tpm.holdings());
    let facts: TpmFacts | undefined;
    try {
      facts = await this.#openAndAsk();
      if (facts !== undefined) await this.#runAll(facts);
    } finally {
      await this.#quietly('leaving the TPM', async () => this.#tpm.close());
    }
    const after = await this.#persistently('looking at what it holds', async () => this.#tpm.holdings());
    this.#judgeClosing({ incidents: this.#incidents, before, after });
    return this.#report(facts, startedAt, performance.now() - start);
  }

  /** Facts in a session; tried again where an answer was altered, so that more can be said than that. */
  async #openAndAsk(): Promise<TpmFacts | undefined> {
    const description = openCheckDescription();
    const started = this.#begin(description);
    let refusal: unknown;
    const facts = await this.#persistently('opening', async () => {
      try {
        await this.#tpm.open();
        return await this.#tpm.facts();
      } catch (error) {
        await this.#quietly('leaving the TPM', async () => this.#tpm.close());
        refusal = error;
        throw error;
      }
    });
    this.#end(
      description,
      started,
      facts === undefined
        ? failure(
            refusal === undefined ? 'no answer that could be used' : describeError(refusal),
            'Nothing can be said of the TPM, and no program can use it safely: see the other checks of the link.',
          )
        : pass('capabilities, read in a session', 'What the TPM says of itself was not altered on the way.'),
    );
    return facts;
  }

  async #runAll(facts: TpmFacts): Promise<void> {
    const material = new TrialMaterial(this.#tpm, this.#options, this.#latency);
    for (const check of tpmChecks) {
      if (this.#options.signal?.aborted === true) this.#interrupted = true;
      if (this.#interrupted) return;
      const context: TpmCheckContext = {
        tpm: this.#tpm,
        facts,
        options: this.#options,
        material,
        latency: this.#latency,
        step: (done, total) => {
          if (this.#options.signal?.aborted === true) throw new Interrupted('the run was interrupted');
          this.#tell({ kind: 'step', id: check.id, done, total });
        },
      };
      await this.#runOne(check, context);
    }
  }

  async #runOne(check: TpmCheck, context: TpmCheckContext): Promise<void> {
    const started = this.#begin(check);
    const obstacle = this.#obstacleTo(check);
    if (obstacle !== undefined) {
      this.#end(check, started, skipped(obstacle, 'It means nothing without that.'));
      return;
    }
    try {
      const finding = await check.run(context);
      this.#lostInRow = 0;
      this.#end(check, started, finding);
    } catch (error) {
      if (error instanceof Interrupted) this.#interrupted = true;
      else this.#end(check, started, this.#findingOf(check, error));
    }
  }

  #obstacleTo({ needs = [] }: TpmCheck): string | undefined {
    if (this.#lostInRow >= 2) return 'the TPM answers no more';
    const missing = needs.find((id) => {
      const outcome = this.#results.find((result) => result.id === id)?.outcome;
      return outcome !== 'pass' && outcome !== undefined;
    });
    return missing === undefined ? undefined : `${missing} did not pass`;
  }

  /** @throws what is no refusal: a defect */
  #findingOf(check: TpmCheck, error: unknown): TpmFinding {
    const incident = this.#note(error, `"${check.title}"`);
    if (incident !== undefined) {
      this.#lostInRow = incident.kind === 'lost' ? this.#lostInRow + 1 : 0;
      return skipped(
        `${incident.kind === 'altered' ? 'an answer was altered on the way' : 'an answer did not come'}: ${incident.message}`,
        `Not checked: see link.${incident.kind === 'altered' ? 'authentic' : 'steady'}.`,
      );
    }
    if (!isCountersignError(error)) throw error;
    const { ifRefused = 'fail' } = check;
    const meaning = `${check.consequence} ${error.hint}`;
    return { outcome: ifRefused, found: describeError(error), meaning };
  }

  #judgeClosing(seen: ClosingFacts): void {
    for (const check of closingChecks) this.#end(check, this.#begin(check), check.judge(seen));
  }

  /** Several times, since what is altered or refused once need not be the next time. @returns undefined in vain */
  async #persistently<T>(during: string, work: () => Promise<T>): Promise<T | undefined> {
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      try {
        const result = await work();
        this.#contacted = true;
        return result;
      } catch (error) {
        // At the first contact, there is nothing yet to report about.
        if (!this.#contacted && isCountersignError(error) && noTpm.has(error.code)) throw error;
        if (this.#note(error, during) === undefined && !isCountersignError(error)) throw error;
      }
    }
    return undefined;
  }

  async #quietly<T>(during: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (this.#note(error, during) === undefined && !isCountersignError(error)) throw error;
      return undefined;
    }
  }

  #note(error: unknown, during: string): LinkIncident | undefined {
    const incident = linkIncidentOf(error, during);
    if (incident !== undefined) this.#incidents.push(incident);
    return incident;
  }

  #begin({ id, title }: Pick<TpmCheck, 'id' | 'title'>): number {
    this.#tell({ kind: 'started', id, title });
    return performance.now();
  }

  #end(
    { id, area, title, rule, source, expected }: Omit<TpmCheck, 'run' | 'consequence'>,
    started: number,
    { outcome, found, meaning }: TpmFinding,
  ): void {
    const durationMs = Math.round((performance.now() - started) * 1000) / 1000;
    const result = { id, area, title, rule, source, outcome, found, expected, meaning, durationMs };
    this.#results.push(result);
    this.#tell({ kind: 'done', result });
  }

  #report(facts: TpmFacts | undefined, startedAt: Date, durationMs: number): TpmValidationReport {
    const checks = this.#results;
    const done = new Set(checks.map(({ id }) => id));
    return {
      tpm: this.#tpm.description,
      identity: facts?.identity ?? null,
      startedAt: startedAt.toISOString(),
      durationMs: Math.round(durationMs),
      verdict: decideVerdict(checks, this.#interrupted),
      checks,
      counts: countOutcomes(checks),
      latency: this.#latency.all(),
      publishedLatency: publishedLatencyFor(facts?.identity.manufacturer),
      interrupted: this.#interrupted,
      notRun: tpmCheckList.map(({ id }) => id).filter((id) => !done.has(id)),
    };
  }
}

const attempts = 3;

/** There is nothing that could be validated. */
const noTpm: ReadonlySet<string> = new Set([
  'TPM_NOT_FOUND',
  'TPM_NOT_PERMITTED',
  'TPM_BUSY',
  'TPM_VERSION_NOT_SUPPORTED',
  'TPM_UNREACHABLE',
]);

function countOutcomes(checks: readonly TpmCheckResult[]): Readonly<Record<TpmCheckOutcome, number>> {
  const counts = { pass: 0, warning: 0, fail: 0, skipped: 0, 'not-supported': 0 };
  for (const outcome of tpmCheckOutcomes) {
    counts[outcome] = checks.filter((check) => check.outcome === outcome).length;
  }
  return counts;
}
