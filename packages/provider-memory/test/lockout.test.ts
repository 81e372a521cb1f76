import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Key, PinProtected } from '@countersign/core';
import { createMemoryProvider } from '@countersign/provider-memory';
import { expect, test } from 'vitest';
import { openProtected, quickProvider, utf8 } from './quick-provider.ts';
import { refusal } from './refusal.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const minuteMs = 60_000;
const rightPin = utf8('right pin');
const wrongPin = utf8('wrong pin');

interface Fixture {
  readonly key: Key & PinProtected;
  readonly time: { now: number };
  readonly storeDirectory: string | undefined;
}

const places = [
  ['in a directory', async () => fixture(await temporaryDirectory())],
  ['in the process only', async () => fixture(undefined)],
] as const;

test.each(places)('%s: 32 wrong PINs lock, and then not even the right one is tried', async (_, make) => {
  const { key, time } = await make();
  for (let left = 31; left >= 0; left -= 1) {
    const error = await wrong(key);
    expect(error.code).toBe('PIN_INCORRECT');
    expect(error.message).toContain(
      left === 0 ? 'no try is left' : left === 1 ? '1 try is left, the last one' : `${left} tries are left`,
    );
    expect(await key.retriesLeft()).toBe(left);
  }
  time.now += 1;
  const locked = await refusal(async () => key.unlock(rightPin));
  expect(locked.code).toBe('PIN_LOCKED');
  expect(locked.message).toContain('2026-01-31T12:10:00.000Z, in 10 minutes');
  time.now += 9.5 * minuteMs;
  expect((await refusal(async () => key.unlock(rightPin))).message).toContain('in 1 minute');
  expect((await refusal(async () => key.changePin(rightPin, utf8('another')))).code).toBe('PIN_LOCKED');
  expect(key.locked).toBe(true);
});

test.each(places)('%s: one wrong PIN is forgotten each 10 minutes', async (_, make) => {
  const { key, time } = await make();
  for (let tries = 0; tries < 32; tries += 1) await wrong(key);
  time.now += 10 * minuteMs - 1;
  expect(await key.retriesLeft()).toBe(0);
  time.now += 1;
  expect(await key.retriesLeft()).toBe(1);
  expect((await wrong(key)).message).toContain('no try is left');
  expect((await wrong(key)).code).toBe('PIN_LOCKED');
  time.now += 25 * minuteMs;
  expect(await key.retriesLeft()).toBe(2);
  // The five minutes that are over count for the next one.
  await wrong(key);
  time.now += 5 * minuteMs;
  expect(await key.retriesLeft()).toBe(2);
  time.now += 400 * minuteMs;
  expect(await key.retriesLeft()).toBe(32);
});

test.each(places)('%s: the right PIN neither resets the count nor adds to it', async (_, make) => {
  const { key, time } = await make();
  for (let tries = 0; tries < 31; tries += 1) await wrong(key);
  expect(await key.retriesLeft()).toBe(1);
  for (let tries = 0; tries < 3; tries += 1) await key.unlock(rightPin);
  expect(await key.retriesLeft()).toBe(1);
  time.now += 10 * minuteMs;
  expect(await key.retriesLeft()).toBe(2);
});

test.each(places)('%s: a clock set back heals nothing early', async (_, make) => {
  const { key, time } = await make();
  const start = time.now;
  for (let tries = 0; tries < 32; tries += 1) await wrong(key);
  time.now = start - 1000 * minuteMs;
  expect(await key.retriesLeft()).toBe(0);
  expect((await refusal(async () => key.unlock(rightPin))).message).toContain('2026-01-31T12:10:00.000Z');
  time.now = start + 9 * minuteMs;
  expect(await key.retriesLeft()).toBe(0);
  time.now = start + 10 * minuteMs;
  expect(await key.retriesLeft()).toBe(1);
});

test('a clock set back between tries gives no try back', async () => {
  const { key, time } = await fixture(await temporaryDirectory());
  await wrong(key);
  time.now -= 500 * minuteMs;
  await wrong(key);
  time.now += 100 * minuteMs;
  expect(await key.retriesLeft()).toBe(30);
});

test('the count is of the whole store and outlives the process', async () => {
  const storeDirectory = await temporaryDirectory();
  const { key, time } = await fixture(storeDirectory);
  const clock = (): Date => new Date(time.now);
  const restarted = await quickProvider({ storeDirectory, clock });
  const other = await restarted.generate({ algorithm: 'p256', pin: rightPin });
  for (let tries = 0; tries < 16; tries += 1) {
    await wrong(key);
    await wrong(other);
  }
  const third = await openProtected(await quickProvider({ storeDirectory, clock }), key.ref);
  expect((await refusal(async () => third.unlock(rightPin))).code).toBe('PIN_LOCKED');
});

test('its limits can be chosen, within reason', async () => {
  const lockout = { maxFailures: 2, recoveryTimeMs: 1000 };
  const { key, time } = await fixture(await temporaryDirectory(), lockout);
  expect((await wrong(key)).message).toContain('the last one');
  await wrong(key);
  expect((await wrong(key)).code).toBe('PIN_LOCKED');
  time.now += 1000;
  await key.unlock(rightPin);
  for (const bad of [
    { maxFailures: 0 },
    { maxFailures: 1.5 },
    { recoveryTimeMs: 0 },
    { recoveryTimeMs: NaN },
  ]) {
    const error = await refusal(async () => createMemoryProvider({ lockout: bad }));
    expect(error.code).toBe('VALUE_OUT_OF_RANGE');
  }
});

test('a damaged count is refused, not taken for zero', async () => {
  const storeDirectory = await temporaryDirectory();
  const { key } = await fixture(storeDirectory);
  await wrong(key);
  const path = join(storeDirectory, 'lockout.json');
  const original = await readFile(path, 'utf8');
  const damages = ['', '{}', original.slice(0, -3), original.replace('1,', '-1,'), original.replace('Z', '')];
  for (const damaged of [...damages, original.replace('{', '{"x":1,')]) {
    await writeFile(path, damaged);
    const error = await refusal(async () => key.unlock(rightPin));
    expect(error.code).toBe('STATE_DAMAGED');
    expect(error.message).toContain(path);
    expect((await refusal(async () => key.retriesLeft())).code).toBe('STATE_DAMAGED');
    expect(await readFile(path, 'utf8')).toBe(damaged);
  }
  await writeFile(path, original);
  await key.unlock(rightPin);
});

async function fixture(
  storeDirectory: string | undefined,
  lockout: { readonly maxFailures?: number; readonly recoveryTimeMs?: number } = {},
): Promise<Fixture> {
  const time = { now: Date.parse('2026-01-31T12:00:00.000Z') };
  const provider = await quickProvider({
    ...(storeDirectory === undefined ? {} : { storeDirectory }),
    lockout,
    clock: () => new Date(time.now),
  });
  const { ref } = await provider.generate({ algorithm: 'p256', pin: rightPin });
  return { key: await openProtected(provider, ref), time, storeDirectory };
}

async function wrong(key: PinProtected): ReturnType<typeof refusal> {
  return refusal(async () => key.unlock(wrongPin));
}
