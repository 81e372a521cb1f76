import { runConformance, type ConformanceTarget } from '@countersign/conformance';
import { expect, test } from 'vitest';
import { countsInReadme, countsOf } from '../readme-counts.ts';

/** The whole kit: nothing fails, nothing is left out, and as many cases pass as the README says. */
export function testConformance(provider: string, makeTarget: () => Promise<ConformanceTarget>): void {
  test(`${provider} passes every case that it supports`, async () => {
    const report = await runConformance(await makeTarget());
    const unexpected = report.results.filter(({ outcome }) => /fail|skipped/.test(outcome.kind));
    expect(unexpected.map(({ id, outcome }) => ({ id, outcome }))).toEqual([]);
    expect(report).toMatchObject({ interrupted: false, notRun: [], leftKeys: [] });
    expect(countsOf(report)).toEqual(countsInReadme(provider));
  });
}
