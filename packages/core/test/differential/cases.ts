import { env } from 'node:process';

/** Generated cases for each structure, counterpart and direction: 500, or what COUNTERSIGN_CASES says. */
export const cases = { numRuns: numberOfCases(env['COUNTERSIGN_CASES']) } as const;

/** A whole run of one structure against a program that is started for every case. */
export const timeoutMs = Math.max(120_000, cases.numRuns * 600);

function numberOfCases(text: string | undefined): number {
  if (text === undefined || text === '') return 500;
  if (!/^[1-9]\d{0,6}$/.test(text))
    throw new Error(`COUNTERSIGN_CASES is ${text}; expected a number from 1 on`);
  return Number(text);
}
