import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { KeySync, KeySyncSchedule, type KeySyncResult } from '../../src/sync/index.ts';
import { alice, newPublicKey } from '../people.ts';
import { createSync, keysOf } from './directories.ts';

test('a schedule syncs at once the first time, then again and again, until it is stopped', async () => {
  const { cloud, premises, sync } = await createSync({ intervalMs: 5 });
  await cloud.registerKey(alice.upn, newPublicKey());
  const results: KeySyncResult[] = [];
  const failures: unknown[] = [];
  const schedule = await KeySyncSchedule.start(sync, {
    onRun: (result) => results.push(result),
    onFailure: (error) => failures.push(error),
  });
  onTestFinished(async () => schedule.stop());
  await until(() => results.length > 0);
  await cloud.registerKey(alice.upn, newPublicKey());
  await until(() => results.reduce((sum, { added }) => sum + added, 0) === 2);
  await schedule.stop();
  await schedule.stop();
  const runs = results.length;
  expect(keysOf(await premises.list())).toEqual(keysOf(await cloud.list()));
  await sleep(50);
  expect([results.length, failures]).toEqual([runs, []]);
});

test('a run that fails is told of, and does not end the schedule', async () => {
  const { options, cloud } = await createSync({ intervalMs: 5 });
  await cloud.registerKey(alice.upn, newPublicKey());
  let lists = 0;
  const list: typeof options.cloud.list = async () => {
    if (++lists === 1) throw new Error('the cloud is away');
    return options.cloud.list();
  };
  const results: KeySyncResult[] = [];
  const failures: unknown[] = [];
  const schedule = await KeySyncSchedule.start(new KeySync({ ...options, cloud: { list } }), {
    onRun: (result) => results.push(result),
    onFailure: (error) => failures.push(error),
  });
  onTestFinished(async () => schedule.stop());
  await until(() => results.length > 0);
  expect(failures).toEqual([new Error('the cloud is away')]);
  expect(results[0]?.added).toBe(1);
});

test('a schedule that starts again waits for the time in the state file', async () => {
  const { sync, clock } = await createSync({ intervalMs: 30 * 60_000 });
  await sync.run();
  const results: KeySyncResult[] = [];
  const failures: unknown[] = [];
  const options = {
    onRun: (result: KeySyncResult) => results.push(result),
    onFailure: (error: unknown) => failures.push(error),
    clock: () => clock.now,
  };
  const early = await KeySyncSchedule.start(sync, options);
  await sleep(50);
  await early.stop();
  expect(results).toEqual([]);
  clock.now = new Date(clock.now.getTime() + 31 * 60_000);
  const due = await KeySyncSchedule.start(sync, options);
  onTestFinished(async () => due.stop());
  await until(() => results.length === 1);
  expect(failures).toEqual([]);
});

test('its timer does not keep a process alive', async () => {
  const { folder } = await createSync();
  const program = `
    import { openFileDirectory } from '@countersign/hello';
    import { fileDirectoryTarget, KeySync, KeySyncSchedule } from './src/sync/index.ts';
    const cloud = await openFileDirectory('${folder}/cloud');
    const premises = fileDirectoryTarget(await openFileDirectory('${folder}/premises'));
    const sync = new KeySync({ cloud, premises, stateDirectory: '${folder}/sync' });
    await sync.run();
    await KeySyncSchedule.start(sync, { onFailure: () => process.exit(3) });
  `;
  const { status, signal } = spawnSync(
    process.execPath,
    [
      '--conditions=@countersign/source',
      '--experimental-strip-types',
      '--no-warnings',
      '--input-type=module',
      '-e',
      program,
    ],
    { cwd: new URL('../..', import.meta.url), timeout: 60_000, stdio: 'inherit' },
  );
  expect([status, signal]).toEqual([0, null]);
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(2);
}
