import { env } from 'node:process';

/** How often a test does what it does: a few times, or as often as the variable says. */
export function repetitions(variable: string, few: number): number {
  const text = env[variable];
  if (text === undefined) return few;
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) {
    throw new Error(`${variable} is ${text}; expected a number from 1 on`);
  }
  return number;
}
