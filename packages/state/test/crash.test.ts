import { readdir, readFile, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { removeLeftovers, writeFileAtomic } from '@countersign/state';
import { expect, test } from 'vitest';
import { ending, firstOutput, startChild } from './children/start-child.ts';
import { temporaryDirectory } from './temporary-directory.ts';

test('a file rewritten by processes that are killed is always one complete version', async () => {
  const directory = await temporaryDirectory();
  const path = join(directory, 'file');
  await writeFileAtomic(path, 'a'.repeat(100_000));
  for (let kills = 0; kills < 40; kills += 4) {
    // Four at a time, each on its own: starting a process takes far longer than what is tested.
    const children = [1, 2, 3, 4].map(() => startChild('rewrite-in-a-loop.ts', [path]));
    await Promise.all(children.map(firstOutput));
    for (const child of children) {
      await sleep(Math.random() * 12);
      child.kill('SIGKILL');
      await ending(child);
      const text = await readFile(path, 'utf8');
      expect(text.length).toBe(100_000);
      expect(text).toBe(text.charAt(0).repeat(100_000));
    }
  }

  const leftovers = (await readdir(directory)).filter((name) => name !== 'file');
  expect(leftovers.length).toBeLessThanOrEqual(40);
  for (const name of leftovers) expect(name).toMatch(/^\.countersign-[0-9a-f]{32}\.tmp$/);
  // Young ones may belong to a writer that is still at work.
  await removeLeftovers(directory);
  expect(await readdir(directory)).toHaveLength(leftovers.length + 1);
  const longAgo = new Date(Date.now() - 61_000);
  await Promise.all(leftovers.map((name) => utimes(join(directory, name), longAgo, longAgo)));
  await removeLeftovers(directory);
  expect(await readdir(directory)).toEqual(['file']);
});
