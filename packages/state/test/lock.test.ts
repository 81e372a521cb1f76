import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeLeftovers, withLock } from '@countersign/state';
import { expect, onTestFinished, test } from 'vitest';
import { ending, firstOutput, startChild } from './children/start-child.ts';
import { refusal } from './refusal.ts';
import { temporaryDirectory } from './temporary-directory.ts';

test('eight processes that count under a lock lose nothing', async () => {
  const directory = await temporaryDirectory();
  const path = join(directory, 'counter');
  await writeFile(path, '0');
  const children = Array.from({ length: 8 }, () => startChild('increment-counter.ts', [path, '25']));
  expect(await Promise.all(children.map(ending))).toEqual(Array(8).fill(0));
  expect(await readFile(path, 'utf8')).toBe('200');
  expect(await readdir(directory)).toEqual(['counter']);
});

test('tasks of one process take turns in the order in which they came', async () => {
  const path = join(await temporaryDirectory(), 'lock');
  const order: number[] = [];
  let inside = 0;
  await Promise.all(
    Array.from({ length: 20 }, async (_, index) =>
      withLock(path, async () => {
        inside += 1;
        expect(inside).toBe(1);
        await new Promise(setImmediate);
        order.push(index);
        inside -= 1;
      }),
    ),
  );
  expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
});

test('the result and the errors of the work come through, and the lock is released after either', async () => {
  const directory = await temporaryDirectory();
  const path = join(directory, 'lock');
  expect(await withLock(path, async () => 42)).toBe(42);
  const failing = withLock(path, async () => {
    throw new RangeError('from the work');
  });
  await expect(failing).rejects.toThrow(new RangeError('from the work'));
  expect(await readdir(directory)).toEqual([]);
  expect(await withLock(path, async () => 43)).toBe(43);
});

test('a lock that is held is refused after the timeout, and the refusal names the holder', async () => {
  const path = join(await temporaryDirectory(), 'lock');
  const holder = await startHolder(path);
  const error = await refusal(async () => withLock(path, async () => 'entered', { timeoutMs: 50 }));
  expect(error.code).toBe('STATE_LOCKED');
  expect(error.message).toContain(String(holder.pid));

  const finish = Promise.withResolvers<void>();
  const ownPath = `${path}2`;
  const own = withLock(ownPath, async () => finish.promise);
  const ownError = await refusal(async () => withLock(ownPath, async () => 'entered', { timeoutMs: 50 }));
  expect(ownError.code).toBe('STATE_LOCKED');
  expect(ownError.message).toContain('this process');
  finish.resolve();
  await own;
  expect(await withLock(ownPath, async () => 'entered')).toBe('entered');
});

test('the lock of a killed process is broken', async () => {
  const directory = await temporaryDirectory();
  const path = join(directory, 'lock');
  await leaveDeadLock(path);
  expect(await withLock(path, async () => 'entered', { timeoutMs: 50 })).toBe('entered');
  expect(await readdir(directory)).toEqual([]);
});

test.skipIf(process.platform !== 'linux')(
  'a recycled pid, another boot and a zombie are not taken for the owner; another container is',
  async () => {
    const path = join(await temporaryDirectory(), 'lock');
    const holder = await startHolder(path);
    const alive = await readFile(path, 'utf8');
    const enter = async (): Promise<string> => withLock(path, async () => 'entered', { timeoutMs: 30 });

    expect((await refusal(enter)).code).toBe('STATE_LOCKED');
    await writeFile(path, alive.replace(/"startTime":"\d+"/, '"startTime":"1"'));
    expect(await enter()).toBe('entered');
    await writeFile(path, alive.replace(/"bootId":"[^"]+"/, '"bootId":"00000000"'));
    expect(await enter()).toBe('entered');
    holder.kill('SIGKILL');
    await ending(holder);
    await writeFile(path, alive.replace(/"pidNamespace":"[^"]+"/, '"pidNamespace":"pid:[1]"'));
    expect((await refusal(enter)).code).toBe('STATE_LOCKED');
    await writeFile(path, alive);
    expect(await enter()).toBe('entered');
  },
);

test('however many break a dead lock at once, one enters; dead breakers do not stop them', async () => {
  const directory = await temporaryDirectory();
  const path = join(directory, 'lock');
  await leaveDeadLock(path);
  const deadLock = await readFile(path, 'utf8');
  const children = Array.from({ length: 6 }, () => startChild('die-in-turns.ts', [path, deadLock, '15']));
  expect(await Promise.all(children.map(ending))).toEqual(Array(6).fill(0));
  await withLock(path, async () => undefined);
  expect(await readdir(directory)).toEqual([]);
});

test('a guard that a killed breaker left without its lock is a leftover', async () => {
  const directory = await temporaryDirectory();
  const path = join(directory, 'lock');
  await leaveDeadLock(path);
  const deadLock = await readFile(path, 'utf8');
  await withLock(path, async () => undefined);
  await writeFile(`${path}.break-${'0'.repeat(32)}`, deadLock);
  await writeFile(`${path}.break-not-ours`, 'kept');
  await removeLeftovers(directory);
  expect(await readdir(directory)).toEqual(['lock.break-not-ours']);
});

test('what is not a lock file is refused and left alone', async () => {
  const path = join(await temporaryDirectory(), 'lock');
  for (const content of ['', 'hello', '{}', '{"pid":1,"token":"short"}', '[1]']) {
    await writeFile(path, content);
    const error = await refusal(async () => withLock(path, async () => 'entered'));
    expect(error.code).toBe('STATE_DAMAGED');
    expect(error.message).toContain(path);
    expect(await readFile(path, 'utf8')).toBe(content);
  }
});

test('a lock in a directory that is missing is refused', async () => {
  const path = join(await temporaryDirectory(), 'missing', 'lock');
  expect((await refusal(async () => withLock(path, async () => 'entered'))).code).toBe('FILE_UNWRITABLE');
});

test('a lock that someone replaced is not removed with the own one', async () => {
  const path = join(await temporaryDirectory(), 'lock');
  const other = `{"pid":${process.pid},"token":"${'1'.repeat(32)}"}\n`;
  await withLock(path, async () => writeFile(path, other));
  expect(await readFile(path, 'utf8')).toBe(other);
});

async function startHolder(path: string): Promise<ReturnType<typeof startChild>> {
  const child = startChild('hold-lock.ts', [path]);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ending(child);
  });
  await firstOutput(child);
  return child;
}

async function leaveDeadLock(path: string): Promise<void> {
  const child = startChild('hold-lock.ts', [path]);
  await firstOutput(child);
  child.kill('SIGKILL');
  await ending(child);
}
