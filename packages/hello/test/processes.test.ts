import { setTimeout as sleep } from 'node:timers/promises';
import { createFileDirectory, openFileDirectory } from '@countersign/hello';
import { expect, test } from 'vitest';
import { startChild } from './children/start-child.ts';
import { temporaryDirectory } from './temporary-directory.ts';

test('processes that add users at once lose none, and a reader sees each that is done', async () => {
  const path = await temporaryDirectory();
  const directory = await createFileDirectory(path);
  const children = [0, 1, 2, 3].map((i) => startChild('add-users.ts', [path, String(i * 100), '12']));
  const waiting = Promise.all(children.map(({ ended }) => ended));
  while (children.some(({ process }) => process.exitCode === null && process.signalCode === null)) {
    const done = children.flatMap(({ lines }) => lines);
    const seen = new Map(
      (await directory.list()).map(({ upn, keyCredentials }) => [upn, keyCredentials.length]),
    );
    for (const upn of done) expect(seen.get(upn)).toBe(1);
    await sleep(10);
  }
  expect(await waiting).toEqual([0, 0, 0, 0]);
  expect(await directory.list()).toHaveLength(48);
});

const kills = Number(process.env['COUNTERSIGN_KILLS'] ?? 8);

test(`a writer that is killed (${kills} times) leaves a whole file with everything that it said was done`, async () => {
  const path = await temporaryDirectory();
  await createFileDirectory(path);
  const done: string[] = [];
  for (let kill = 0; kill < kills; kill++) {
    const child = startChild('add-users.ts', [path, String(kill * 10_000), '10000']);
    while (child.lines.length === 0) await sleep(5);
    await sleep(Math.random() * 60);
    child.process.kill('SIGKILL');
    expect(await child.ended).toBe('SIGKILL');
    done.push(...child.lines);
    const directory = await openFileDirectory(path);
    for (const upn of done) expect((await directory.findByUpn(upn))?.keyCredentials).toHaveLength(1);
  }
  expect(done.length).toBeGreaterThanOrEqual(kills);
});
