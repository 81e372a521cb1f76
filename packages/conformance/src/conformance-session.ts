import type { KeyProvider } from '@countersign/core';
import { CaseContext } from './case-context.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { conformanceCases } from './conformance-cases.ts';
import type { ConformanceOutcome, ConformanceResult } from './conformance-result.ts';
import type { ConformanceTarget } from './conformance-target.ts';
import { within } from './deadline.ts';
import { outcomeOf } from './outcome.ts';
import { SharedKeys } from './shared-keys.ts';
import { SharedProvider } from './shared-provider.ts';

export interface SessionOptions {
  readonly signal?: AbortSignal | undefined;
  /** After which a case that does not end is failed; default 120,000. */
  readonly caseTimeoutMs?: number | undefined;
}

/** One provider under trial: runs cases one after the other, each once, and those that it builds on before it. */
export class ConformanceSession {
  readonly #target: ConformanceTarget;
  readonly #options: SessionOptions;
  readonly #results = new Map<string, Promise<ConformanceResult>>();
  readonly #leftKeys: string[] = [];
  #opening: Promise<{ readonly shared: SharedProvider; readonly keys: SharedKeys }> | undefined;

  constructor(target: ConformanceTarget, options: SessionOptions = {}) {
    this.#target = target;
    this.#options = options;
  }

  /** @throws what `open` of the target throws */
  async provider(): Promise<KeyProvider> {
    return (await this.#opened()).shared.provider;
  }

  /** @throws Interrupted when the signal is aborted; the case then has no result */
  run(each: ConformanceCase): Promise<ConformanceResult> {
    const known = this.#results.get(each.id);
    if (known !== undefined) return known;
    const running = this.#run(each);
    this.#results.set(each.id, running);
    return running;
  }

  /** @returns references of keys that the kit made and did not get rid of */
  async close(): Promise<readonly string[]> {
    if (this.#opening === undefined) return [];
    const opened = await this.#opening.catch(() => undefined);
    // What could not be opened has failed the cases already.
    if (opened === undefined) return [];
    const limit = { timeoutMs: this.#timeoutMs };
    try {
      this.#leftKeys.push(...(await within(limit, () => opened.keys.destroyAll())));
    } finally {
      await within(limit, () => opened.shared.provider.close());
    }
    return this.#leftKeys;
  }

  async #run(each: ConformanceCase): Promise<ConformanceResult> {
    const { id, area, title, rule, source } = each;
    const startedAt = performance.now();
    const outcome = this.#statedOutcome(id) ?? (await this.#outcomeOfNeeds(each)) ?? (await this.#try(each));
    return { id, area, title, rule, source, outcome, durationMs: performance.now() - startedAt };
  }

  #statedOutcome(id: string): ConformanceOutcome | undefined {
    const { notSupported = {} } = this.#target;
    return Object.hasOwn(notSupported, id)
      ? { kind: 'not-supported', reason: `the target: ${notSupported[id] ?? ''}` }
      : undefined;
  }

  async #outcomeOfNeeds({ needs = [] }: ConformanceCase): Promise<ConformanceOutcome | undefined> {
    for (const id of needs) {
      const needed = conformanceCases.find((each) => each.id === id);
      if (needed === undefined) throw new Error(`a case builds on ${id}, which there is not`);
      const { kind } = (await this.run(needed)).outcome;
      if (kind === 'not-supported') return { kind, reason: `it builds on ${id}, which is not supported` };
      if (kind !== 'pass') return { kind: 'skipped', reason: `it builds on ${id}, which did not pass` };
    }
    return undefined;
  }

  async #try(each: ConformanceCase): Promise<ConformanceOutcome> {
    const { signal } = this.#options;
    const limit = { timeoutMs: this.#timeoutMs, signal };
    return outcomeOf(this.#target, () =>
      within(limit, async () => {
        const { shared, keys } = await this.#opened();
        const context = new CaseContext(this.#target, shared, keys, signal);
        try {
          await each.run(context);
        } finally {
          this.#leftKeys.push(...(await context.end()));
        }
      }),
    );
  }

  async #opened(): Promise<{ readonly shared: SharedProvider; readonly keys: SharedKeys }> {
    this.#opening ??= SharedProvider.open(this.#target).then((shared) => ({
      shared,
      keys: new SharedKeys(this.#target, shared),
    }));
    return this.#opening;
  }

  get #timeoutMs(): number {
    return this.#options.caseTimeoutMs ?? 120_000;
  }
}
