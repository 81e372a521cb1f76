import { runConformance } from '@countersign/conformance';
import { createMemoryProvider } from '@countersign/provider-memory';
import { expect, test } from 'vitest';
import { pins } from '../targets.ts';
import { wrapProvider, type Breaks } from './wrapped-provider.ts';

/** How a provider is broken, and the cases that must find it: these, and no others. */
export interface BrokenProvider {
  /** Made anew for each run, so that it may keep something. */
  readonly breaks: () => Breaks;
  readonly fails: readonly string[];
}

/** A test of each. */
export function tryBroken(broken: Readonly<Record<string, BrokenProvider>>): void {
  test.each(Object.entries(broken))('%s', async (_, { breaks, fails }) => {
    expect(await failures(breaks())).toEqual(fails.toSorted());
  });
}

/** Ids of the cases that fail, in alphabetical order. */
export async function failures(breaks: Breaks): Promise<readonly string[]> {
  const store = await createMemoryProvider({ sealing: { scryptCost: { N: 16, r: 1, p: 1 } } });
  const report = await runConformance({
    description: 'a broken provider',
    open: async () => wrapProvider(store, breaks),
    keepsKeys: true,
    ...pins,
    wrongPinsForgotten: 'with-time',
    referenceElsewhere: 'memory:?store=/elsewhere',
    allowLockout: true,
    endurance: { signatures: 150, keys: 3, providers: 4 },
  });
  await store.close();
  expect(report.notRun).toEqual([]);
  return report.results.flatMap(({ id, outcome }) => (outcome.kind === 'fail' ? [id] : [])).toSorted();
}
