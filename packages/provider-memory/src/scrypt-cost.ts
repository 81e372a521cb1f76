import { CountersignError } from '@countersign/core';

/** The work that one PIN guess costs (RFC 7914): 128·N·r bytes of memory, filled p times over. */
export interface ScryptCost {
  /** A power of two. */
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** 128 MiB and about a third of a second for each guess. */
export const defaultScryptCost: ScryptCost = { N: 2 ** 17, r: 8, p: 1 };

/** Says what is wrong with a cost, or undefined. The bounds keep a hostile key file from exhausting memory or time. */
export function scryptCostProblem({ N, r, p }: ScryptCost): string | undefined {
  if (!isBetween(N, 2, 2 ** 20) || (N & (N - 1)) !== 0)
    return 'scrypt N is not a power of two from 2 to 2^20';
  if (!isBetween(r, 1, 32) || N * r > 2 ** 23)
    return 'scrypt r is not from 1 to 32, or needs more than 1 GiB';
  if (!isBetween(p, 1, 16) || N * r * p > 2 ** 24) return 'scrypt p is not from 1 to 16, or takes too long';
  return undefined;
}

export function checkScryptCost(cost: ScryptCost): ScryptCost {
  const problem = scryptCostProblem(cost);
  if (problem === undefined) return cost;
  throw new CountersignError(
    'VALUE_OUT_OF_RANGE',
    `the sealing cost is out of range: ${problem}`,
    `Leave it out for the default (N=${defaultScryptCost.N}, r=${defaultScryptCost.r}, p=${defaultScryptCost.p}).`,
  );
}

/** What OpenSSL must be allowed to allocate for this cost. */
export function scryptMemoryBytes({ N, r, p }: ScryptCost): number {
  return 128 * r * (N + p + 2) + 1024;
}

function isBetween(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}
