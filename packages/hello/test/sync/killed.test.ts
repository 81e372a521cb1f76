import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FileDirectory } from '@countersign/hello';
import { expect, test } from 'vitest';
import { startChild } from '../children/start-child.ts';
import { alice, newPublicKey } from '../people.ts';
import { bob, createSync, keysOf } from './directories.ts';

const kills = Number(process.env['COUNTERSIGN_KILLS'] ?? 6);

test(`a sync that is killed (${kills} times) in the middle ends where an undisturbed one does`, async () => {
  const { folder, cloud, premises, sync } = await createSync();
  // Some keys are synced, then leave the cloud; others are registered on premises alone.
  const leaving = await register(cloud, 6);
  await sync.run();
  const own = await register(premises, 2);
  for (const keyId of leaving) await cloud.removeKey(alice.upn, keyId);
  await register(cloud, 30);
  const paths = [join(folder, 'cloud'), join(folder, 'premises'), join(folder, 'sync')];
  let killed = 0;
  for (let kill = 0; kill < kills; kill++) {
    const child = startChild('sync-keys.ts', paths);
    const running = (): boolean => child.process.exitCode === null && child.process.signalCode === null;
    while (running() && child.lines.length < 1 + (kill % 3)) await sleep(1);
    child.process.kill('SIGKILL');
    const ended = await child.ended;
    if (ended === 'SIGKILL') killed++;
    // What is there half-way is right as far as it goes.
    const cloudKeys = keysOf(await cloud.list());
    for (const [upn, keyIds] of Object.entries(keysOf(await premises.list()))) {
      const known = new Set([...(cloudKeys[upn] ?? []), ...leaving, ...own]);
      expect(keyIds.filter((keyId) => !known.has(keyId))).toEqual([]);
    }
    const arrived = new Set(keysOf(await premises.list())[alice.upn]);
    if ((cloudKeys[alice.upn] ?? []).some((keyId) => !arrived.has(keyId))) {
      expect((await sync.status()).begunAt).toBeInstanceOf(Date);
    }
  }
  expect(killed).toBeGreaterThan(0);
  await sync.run();
  const expected = keysOf(await cloud.list());
  expected[alice.upn] = [...(expected[alice.upn] ?? []), ...own].toSorted();
  expect(keysOf(await premises.list())).toEqual(expected);
  expect((await sync.status()).begunAt).toBeUndefined();
  expect(await sync.run()).toMatchObject({ added: 0, removed: 0, refused: 0 });
  // It still knows which keys are its own: what it brought before it was killed it takes away.
  for (const [upn, keyIds] of Object.entries(keysOf(await cloud.list()))) {
    for (const keyId of keyIds) await cloud.removeKey(upn, keyId);
  }
  await sync.run();
  expect(keysOf(await premises.list())).toEqual({ [alice.upn]: own.toSorted(), [bob.upn]: [] });
});

async function register(directory: FileDirectory, count: number): Promise<string[]> {
  const keyIds: string[] = [];
  for (let i = 0; i < count; i++) keyIds.push((await directory.registerKey(alice.upn, newPublicKey())).keyId);
  return keyIds;
}
