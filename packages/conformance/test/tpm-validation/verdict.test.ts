import type { TpmCheckOutcome, TpmCheckResult } from '@countersign/conformance';
import { array, assert, constantFrom, double, property } from 'fast-check';
import { expect, test } from 'vitest';
import { LatencyRecorder, percentile } from '../../src/tpm-validation/latency.ts';
import { publishedLatencyFor } from '../../src/tpm-validation/published-latency.ts';
import { decideVerdict } from '../../src/tpm-validation/verdict.ts';

test.each<readonly [readonly TpmCheckOutcome[], boolean, string]>([
  [[], false, 'fit'],
  [['pass', 'skipped', 'not-supported'], false, 'fit'],
  [['pass', 'warning'], false, 'fit-with-warnings'],
  [['pass', 'warning', 'fail'], false, 'unfit'],
  [['pass', 'fail'], true, 'unfit'],
  [['pass', 'warning'], true, 'undecided'],
  [['pass'], true, 'undecided'],
])('%j, interrupted %s: %s', (outcomes, interrupted, kind) => {
  expect(decideVerdict(outcomes.map(result), interrupted).kind).toBe(kind);
});

test('reasons are failures first, and say what was found, what was expected and what it means', () => {
  const { reasons } = decideVerdict((['warning', 'pass', 'fail'] as const).map(result), false);
  expect(reasons).toEqual([
    { check: 'check.2', severity: 'failure', text: 'found: one; expected: two. It matters.' },
    { check: 'check.0', severity: 'warning', text: 'found: one; expected: two. It matters.' },
  ]);
});

test('a percentile is a sample, and no fewer than so many percent are at most it', () => {
  expect(percentile([15, 20, 35, 40, 50], 30)).toBe(20);
  expect(percentile([15, 20, 35, 40, 50], 50)).toBe(35);
  expect(percentile([3], 99)).toBe(3);
  const samples = array(double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 });
  assert(
    property(samples, constantFrom(50, 95, 99), (values, percent) => {
      const found = percentile(values, percent);
      expect(values).toContain(found);
      const atMost = values.filter((value) => value <= found).length;
      expect(atMost / values.length).toBeGreaterThanOrEqual(percent / 100 - 1e-9);
    }),
  );
});

test('what fails is not timed', async () => {
  const latency = new LatencyRecorder();
  await expect(
    latency.measure('p256-sign', async () => Promise.reject(new Error('refused'))),
  ).rejects.toThrow();
  expect(latency.all()).toEqual([]);
  await latency.measure('p256-sign', async () => undefined);
  expect(latency.of('p256-sign')?.samplesMs).toHaveLength(1);
});

test.each([
  ['INTC', 'Intel', 227],
  ['IFX', 'Infineon', 188],
  ['AMD', 'AMD fTPM', 11],
])('the published figures of %s are those of %s', (manufacturer, vendor, medianMs) => {
  const published = publishedLatencyFor(manufacturer);
  expect(published.vendor).toBe(vendor);
  expect(published.figures).toContainEqual(
    expect.objectContaining({ vendor, operation: 'rsa2048-sign', medianMs }),
  );
});

test('of others nothing is published', () => {
  expect(publishedLatencyFor('XYZ').vendor).toBe(null);
  expect(publishedLatencyFor(undefined).vendor).toBe(null);
});

function result(outcome: TpmCheckOutcome, index: number): TpmCheckResult {
  return {
    id: `check.${index}`,
    area: 'keys',
    title: 'it is so',
    rule: 'It is so.',
    source: 'nowhere',
    outcome,
    found: 'one',
    expected: 'two',
    meaning: 'It matters.',
    durationMs: 1,
  };
}
