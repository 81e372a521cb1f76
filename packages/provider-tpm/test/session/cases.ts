import { env } from 'node:process';

/** How many alterations a test tries: 100, or what COUNTERSIGN_CASES says. */
export const cases = numberOfCases(env['COUNTERSIGN_CASES']);

function numberOfCases(text: string | undefined): number {
  if (text === undefined) return 100;
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) {
    throw new Error(`COUNTERSIGN_CASES is ${text}; expected a number from 1 on`);
  }
  return number;
}
