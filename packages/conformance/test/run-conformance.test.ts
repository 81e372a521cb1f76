import { setTimeout as delay } from 'node:timers/promises';
import {
  conformanceAreas,
  conformanceCaseList,
  runConformance,
  type ConformanceTarget,
} from '@countersign/conformance';
import type { KeyProvider } from '@countersign/core';
import { createMemoryProvider, type MemoryProvider } from '@countersign/provider-memory';
import { expect, onTestFinished, test, vi } from 'vitest';
import { wrapProvider, type Breaks } from './broken/wrapped-provider.ts';
import { pins } from './targets.ts';

const brief = { areas: ['info', 'life-cycle', 'pin'] } as const;

test('every case has an id of its own, a title, a rule and its source, and builds on cases that there are', () => {
  const ids = conformanceCaseList.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { id, area, title, rule, source, needs = [] } of conformanceCaseList) {
    expect(id).toMatch(/^[a-z]+\.[a-z0-9-]+$/);
    expect(conformanceAreas).toContain(area);
    for (const text of [title, rule, source]) expect(text.length).toBeGreaterThan(3);
    expect(ids).toEqual(expect.arrayContaining([...needs]));
  }
});

test('each result is told once, as soon as it is there, and nothing is printed', async () => {
  const spies = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write')];
  const told: string[] = [];
  const report = await runConformance((await memoryTarget()).target, brief, ({ id }) => told.push(id));
  for (const spy of spies) {
    expect(spy).not.toHaveBeenCalled();
    spy.mockRestore();
  }
  expect(told).toEqual(report.results.map(({ id }) => id));
  const areas: readonly string[] = brief.areas;
  expect(told).toEqual(conformanceCaseList.filter(({ area }) => areas.includes(area)).map(({ id }) => id));
  expect(report.provider).toMatchObject({ scheme: 'memory', algorithms: ['p256'] });
  expect(Object.values(report.counts).reduce((sum, count) => sum + count, 0)).toBe(told.length);
});

test('an interrupted run leaves a report of what was done, and no keys', async () => {
  const { target, store } = await memoryTarget();
  const interruption = new AbortController();
  const report = await runConformance(target, { ...brief, signal: interruption.signal }, ({ id }) => {
    if (id === 'life.open') interruption.abort();
  });
  expect(report.interrupted).toBe(true);
  expect(report.results.at(-1)?.id).toBe('life.open');
  expect(report.notRun[0]).toBe('life.label');
  expect(report.results.length + report.notRun.length).toBe(
    conformanceCaseList.filter(({ area }) => ['info', 'life-cycle', 'pin'].includes(area)).length,
  );
  expect(await store.list()).toEqual([]);
});

test('a provider that hangs is interrupted, too, and fails the case when its time is over', async () => {
  const hanging: Breaks = { key: () => ({ sign: async () => new Promise(() => undefined) }) };
  const timed = await runConformance((await memoryTarget(hanging)).target, {
    cases: ['sign.first'],
    caseTimeoutMs: 200,
  });
  expect(timed.results[0]?.outcome).toMatchObject({ kind: 'fail', found: 'none after 200 ms' });
  const interruption = new AbortController();
  const running = runConformance((await memoryTarget(hanging)).target, {
    cases: ['sign.first'],
    signal: interruption.signal,
  });
  await delay(50);
  interruption.abort();
  expect(await running).toMatchObject({ interrupted: true, results: [], notRun: ['sign.first'] });
});

test('a provider that cannot be opened fails its cases, and the run ends with a report', async () => {
  const absent = { description: 'absent', open: noDevice, keepsKeys: true };
  const report = await runConformance(absent, { areas: ['info'] });
  expect(report).toMatchObject({
    provider: undefined,
    interrupted: false,
    leftKeys: [],
    counts: { fail: 3 },
  });
  expect(report.results[0]?.outcome).toMatchObject({ found: 'Error: no device' });
});

test('a case is skipped when one that it builds on fails, and says which', async () => {
  const { target } = await memoryTarget({ key: () => ({ sign: async () => new Uint8Array(70) }) });
  const report = await runConformance(target, { cases: ['message.huge'] });
  expect(report.results).toMatchObject([
    {
      id: 'message.huge',
      outcome: { kind: 'skipped', reason: 'it builds on sign.first, which did not pass' },
    },
  ]);
});

test('no report holds a PIN, whatever the provider says', async () => {
  const { target } = await memoryTarget({
    key: ({ unlock }) => ({
      unlock: async (pin) => {
        await unlock(pin);
        throw new Error(`the PIN was ${Buffer.from(pin).toString()}`);
      },
    }),
  });
  const report = await runConformance(target, { areas: ['pin'] });
  expect(report.counts.fail).toBeGreaterThan(0);
  expect(JSON.stringify(report)).toContain('the PIN was [PIN]');
  for (const secret of Object.values(pins)) expect(JSON.stringify(report)).not.toContain(secret.toString());
});

test('keys of others are left alone', async () => {
  const { target, store } = await memoryTarget();
  const made = await store.generate({
    algorithm: 'p256',
    label: 'conformance',
    pin: Buffer.from('another PIN'),
  });
  expect((await runConformance(target, brief)).counts.fail).toBe(0);
  expect((await store.list()).map(({ ref }) => ref)).toEqual([made.ref]);
});

test('what the target does not allow is not done', async () => {
  const { target, store } = await memoryTarget();
  const cautious = { ...target, allowDestructive: false, allowLockout: false };
  const report = await runConformance(cautious, { areas: ['life-cycle', 'references', 'lockout'] });
  const skipped = report.results.flatMap(({ id, outcome }) => (outcome.kind === 'skipped' ? [id] : []));
  expect(skipped).toEqual(expect.arrayContaining(['life.destroy', 'ref.none', 'lockout.locks']));
  expect(report.counts.fail).toBe(0);
  expect((await store.list()).map(({ ref }) => ref).toSorted()).toEqual(report.leftKeys.toSorted());
  expect(report.leftKeys.length).toBeGreaterThan(5);
});

test('too few tries of the PIN are never spent', async () => {
  const { target, store } = await memoryTarget({}, 3);
  const report = await runConformance({ ...target, allowLockout: false }, { areas: ['pin'] });
  expect(report.counts.fail).toBe(0);
  expect(report.counts.skipped).toBeGreaterThan(3);
  const key = await store.generate({ algorithm: 'p256', pin: pins.pin });
  expect(await key.retriesLeft()).toBeGreaterThanOrEqual(1);
});

test('what the target calls not supported is not run', async () => {
  const { target } = await memoryTarget();
  const stated = { ...target, notSupported: { 'life.list': 'the device has no directory' } };
  const report = await runConformance(stated, { cases: ['life.list'] });
  expect(report.results[0]?.outcome).toEqual({
    kind: 'not-supported',
    reason: 'the target: the device has no directory',
  });
});

test('cases and areas that there are not are refused', async () => {
  const { target } = await memoryTarget();
  await expect(runConformance(target, { cases: ['sign.nothing'] })).rejects.toThrow('no case sign.nothing');
});

async function noDevice(): Promise<never> {
  throw new Error('no device');
}

async function memoryTarget(
  breaks: Breaks = {},
  maxFailures = 32,
): Promise<{ readonly target: ConformanceTarget; readonly store: MemoryProvider }> {
  const scryptCost = { N: 16, r: 1, p: 1 };
  const store = await createMemoryProvider({ sealing: { scryptCost }, lockout: { maxFailures } });
  onTestFinished(async () => store.close());
  const open = async (): Promise<KeyProvider> => wrapProvider(store, breaks);
  return { target: { description: 'memory', open, keepsKeys: true, ...pins }, store };
}
