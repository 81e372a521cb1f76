import { CountersignError } from '@countersign/core';
import type { FuzzedParser } from './parsers.ts';
import { Mutator } from './mutation.ts';

export interface FuzzOutcome {
  readonly name: string;
  readonly mutants: number;
  readonly accepted: number;
  readonly refusals: ReadonlyMap<string, number>;
  /** The longest that one mutant took, when it was tried three times. */
  readonly slowestMs: number;
}

/** What a mutant did that none may do. */
export class FuzzFinding extends Error {
  constructor(name: string, seed: number, mutant: Uint8Array, found: string, cause?: unknown) {
    const hex = Buffer.from(mutant).toString('hex');
    super(`${name}, seed ${seed}: ${found}\n${hex.slice(0, 4000)}`, { cause });
  }
}

/**
 * Hands mutants of sound documents to a parser.
 * @throws FuzzFinding if one ends in anything but a typed refusal, or is written back as something else than it was
 */
export function fuzz({ name, documents, parse }: FuzzedParser, mutants: number, seed: number): FuzzOutcome {
  const mutator = new Mutator(seed);
  const refusals = new Map<string, number>();
  let accepted = 0;
  let slowestMs = 0;
  for (let i = 0; i < mutants; i++) {
    const mutant = mutator.mutate(documents);
    const startedAtMs = performance.now();
    try {
      const written = parse(mutant);
      if (written !== undefined && Buffer.compare(written, mutant) !== 0) {
        throw new FuzzFinding(name, seed, mutant, 'what was read is not what stands there');
      }
      accepted++;
    } catch (error) {
      if (error instanceof FuzzFinding) throw error;
      if (!(error instanceof CountersignError)) {
        throw new FuzzFinding(name, seed, mutant, `not a refusal but ${String(error)}`, error);
      }
      refusals.set(error.code, (refusals.get(error.code) ?? 0) + 1);
    }
    const tookMs = performance.now() - startedAtMs;
    if (tookMs > slowestMs) slowestMs = Math.max(slowestMs, fastestOfThree(tookMs, parse, mutant));
  }
  return { name, mutants, accepted, refusals, slowestMs };
}

/** A pause of the machine or of the garbage collector is not the parser's: it does not come back. */
function fastestOfThree(firstMs: number, parse: FuzzedParser['parse'], mutant: Uint8Array): number {
  let fastestMs = firstMs;
  for (let again = 0; again < 2; again++) {
    const startedAtMs = performance.now();
    try {
      parse(mutant);
    } catch {
      // Counted the first time.
    }
    fastestMs = Math.min(fastestMs, performance.now() - startedAtMs);
  }
  return fastestMs;
}
