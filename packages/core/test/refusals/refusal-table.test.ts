import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { everyRefusal } from './refusal-table.ts';

/** The literals of the union `ErrorCode`, as the source has them. */
const codes: ReadonlySet<string> = new Set(
  readFileSync(new URL('../../src/errors.ts', import.meta.url), 'utf8').match(
    /(?<=^ {2}\| ')[A-Z0-9_]+(?=')/gmu,
  ),
);

test('no two cases share a name', () => {
  const names = everyRefusal.map(({ name }) => name);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

test('every case has a code of core, and a rule', () => {
  expect(codes.size).toBeGreaterThan(50);
  expect(everyRefusal.filter(({ code }) => !codes.has(code))).toEqual([]);
  expect(
    everyRefusal.filter(({ rule }) => !/^(?:RFC|X\.|MS-|SP|FIPS|CVE-|CA\/B) ?[A-Z0-9]/u.test(rule)),
  ).toEqual([]);
});
