import { expect, test } from 'vitest';
import { fuzz } from './fuzz.ts';
import { fuzzedParsers } from './parsers.ts';

/** The short form; `npm run fuzz` is the long one. */
const mutants = Number(process.env['COUNTERSIGN_MUTANTS'] ?? 5000);

const parsers = await fuzzedParsers();

test.each(parsers)(`${mutants} mutants of a $name end in a verdict or a typed refusal`, (parser) => {
  // Each run sees others; the seed is in the message of what it finds.
  const seed = Math.floor(Math.random() * 0xffff_ffff);
  const { refusals } = fuzz(parser, mutants, seed);
  expect(refusals.size).toBeGreaterThan(0);
});

test('what is no refusal is found, with the mutant that shows it', () => {
  const broken = {
    name: 'broken',
    documents: [Uint8Array.of(1, 2, 3)],
    parse: (document: Uint8Array) => {
      if (document.length === 5) throw new RangeError('out of bounds');
      return undefined;
    },
  };
  expect(() => fuzz(broken, 1000, 1)).toThrow(/not a refusal but RangeError: out of bounds\n[0-9a-f]{10}/u);
});

test('what is read other than it stands is found', () => {
  const lenient = {
    name: 'lenient',
    documents: [Uint8Array.of(1, 2, 3)],
    parse: (document: Uint8Array) => document.subarray(0, 3),
  };
  expect(() => fuzz(lenient, 1000, 1)).toThrow(/not what stands there/u);
});
