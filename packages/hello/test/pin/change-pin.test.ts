import type { Key, PinProtected } from '@countersign/core';
import {
  assertEnteredAlike,
  assertPinNotExpired,
  changePin,
  effectivePinPolicy,
  PinHistory,
  pinExpiration,
} from '@countersign/hello';
import { createMemoryProvider } from '@countersign/provider-memory';
import { assert, asyncProperty, uint8Array } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { temporaryDirectory } from '../temporary-directory.ts';

const cost = { N: 16, r: 1, p: 1 };
const policy = effectivePinPolicy({ history: 3, expirationDays: 30 });
const at = new Date('2026-05-06T07:08:09Z');
const pinOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const [first, second, third] = ['482913', '592834', '718290'];

interface Setting {
  readonly key: Key & PinProtected;
  readonly history: PinHistory;
  readonly change: (from: string, to: string, key?: Key) => Promise<void>;
}

async function setting(): Promise<Setting> {
  const provider = await createMemoryProvider({ sealing: { scryptCost: cost } });
  const key = await provider.generate({ algorithm: 'p256', pin: pinOf(first) });
  key.lock();
  const history = new PinHistory(await temporaryDirectory(), cost);
  await history.remember(pinOf(first), at, policy);
  const change: Setting['change'] = async (from, to, changed = key) =>
    changePin({
      key: changed,
      currentPin: pinOf(from),
      newPin: pinOf(to),
      policy,
      history,
      clock: () => new Date(at.getTime() + 86_400_000),
    });
  return { key, history, change };
}

async function opens(key: PinProtected, pin: string): Promise<boolean> {
  return key.unlock(pinOf(pin)).then(
    () => {
      key.lock();
      return true;
    },
    () => false,
  );
}

describe('changing a PIN', () => {
  test('sets the new one, notes it with its time, and leaves the key locked as it was', async () => {
    const { key, history, change } = await setting();
    await change(first, second);
    expect(key.locked).toBe(true);
    expect(await opens(key, first)).toBe(false);
    expect(await opens(key, second)).toBe(true);
    expect(await history.presentSince()).toEqual(new Date('2026-05-07T07:08:09Z'));
    for (const pin of [first, second])
      await refusal(history.assertNotUsed(pinOf(pin), policy), 'PIN_INVALID');
  });

  test('leaves a key that was unlocked unlocked', async () => {
    const { key, change } = await setting();
    await key.unlock(pinOf(first));
    await change(first, second);
    expect(key.locked).toBe(false);
  });

  test.each([
    ['one that is too short', first, '48291', 'PIN_INVALID'],
    ['a simple one', first, '123456', 'PIN_INVALID'],
    ['the current one', first, first, 'PIN_INVALID'],
    ['any, if the current one is wrong', third, second, 'PIN_INCORRECT'],
  ] as const)('refuses %s, and changes nothing', async (_, from, to, code) => {
    const { key, history, change } = await setting();
    const error = await refusal(change(from, to), code);
    expect(`${error.message} ${error.hint}`).not.toMatch(new RegExp(`${first}|${second}|${third}`));
    expect(await opens(key, first)).toBe(true);
    expect(await history.presentSince()).toEqual(at);
    await change(first, second);
  });

  test('refuses one that was in use before, once the current one is proven', async () => {
    const { key, change } = await setting();
    await change(first, second);
    await change(second, third);
    await refusal(change(third, first), 'PIN_INVALID');
    await refusal(change(second, first), 'PIN_INCORRECT');
    expect(await opens(key, third)).toBe(true);
  });

  test('refuses a key without a PIN', async () => {
    const { change } = await setting();
    const provider = await createMemoryProvider();
    await refusal(change(first, second, await provider.generate({ algorithm: 'p256' })), 'PIN_REQUIRED');
  });
});

describe('a change that is cut off', () => {
  test.each(['before', 'after'] as const)(
    '%s the key took the PIN: finished by the same again',
    async (when) => {
      const { key, history, change } = await setting();
      await expect(change(first, second, dyingAt(key, when))).rejects.toThrow('cut off');
      expect(await opens(key, when === 'before' ? first : second)).toBe(true);
      // Neither is forbidden by what did not happen.
      if (when === 'before')
        await expect(history.assertNotUsed(pinOf(second), policy)).resolves.toBeUndefined();
      await change(first, second);
      expect(await opens(key, second)).toBe(true);
      for (const pin of [first, second])
        await refusal(history.assertNotUsed(pinOf(pin), policy), 'PIN_INVALID');
      expect(await history.isAnnounced(pinOf(second))).toBe(false);
    },
  );

  test.each(['before', 'after'] as const)(
    '%s the key took the PIN: another change from what holds',
    async (when) => {
      const { key, history, change } = await setting();
      await expect(change(first, second, dyingAt(key, when))).rejects.toThrow('cut off');
      await change(when === 'before' ? first : second, third);
      expect(await opens(key, third)).toBe(true);
      const forbidden = when === 'before' ? [first, third] : [first, second, third];
      for (const pin of forbidden) await refusal(history.assertNotUsed(pinOf(pin), policy), 'PIN_INVALID');
      if (when === 'before')
        await expect(history.assertNotUsed(pinOf(second), policy)).resolves.toBeUndefined();
    },
  );

  test('by a provider that fails: the old PIN holds and nothing is announced', async () => {
    const { key, history, change } = await setting();
    const failing = withChangePin(key, async () => {
      throw new Error('the token was pulled');
    });
    await expect(change(first, second, failing)).rejects.toThrow('pulled');
    expect(await history.isAnnounced(pinOf(second))).toBe(false);
    expect(await history.presentSince()).toEqual(at);
  });
});

const on = (day: number): Date => new Date(at.getTime() + day * 86_400_000);

describe('expiration', () => {
  test('lets a PIN be used to its last moment, and then demands another', async () => {
    const { history, change } = await setting();
    expect(await pinExpiration(history, policy, on(29))).toEqual({ kind: 'valid', until: on(30) });
    expect(await pinExpiration(history, policy, on(30))).toEqual({ kind: 'expired', since: on(30) });
    const error = await refusal(assertPinNotExpired(history, policy, on(30)), 'PIN_EXPIRED');
    expect(error.hint).toContain('Change the PIN');
    await change(first, second);
    await expect(assertPinNotExpired(history, policy, on(30))).resolves.toBeUndefined();
  });

  test('never comes where the policy has no days, and at once where nothing is known of the PIN', async () => {
    const { history } = await setting();
    expect(await pinExpiration(history, { expirationDays: 0 }, on(9999))).toEqual({ kind: 'never' });
    await history.forget();
    expect(await pinExpiration(history, policy, on(0))).toEqual({ kind: 'unknown' });
    await refusal(assertPinNotExpired(history, policy, on(0)), 'PIN_EXPIRED');
  });
});

test('two entries are alike if all their octets are, whatever these are', async () => {
  await assert(
    asyncProperty(uint8Array(), uint8Array(), async (one, other) => {
      const compare = Promise.resolve().then(async () => assertEnteredAlike(one, other));
      if (Buffer.compare(one, other) === 0) await compare;
      else expect((await refusal(compare, 'PIN_INVALID')).message).toContain('differ');
      assertEnteredAlike(one, Uint8Array.from(one));
    }),
  );
});

/** A key whose process dies before or after it took a new PIN: nothing that is asked afterwards is answered. */
function dyingAt(key: Key & PinProtected, when: 'before' | 'after'): Key {
  let isDead = false;
  return new Proxy(key, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (name === 'lock') return bound(value, target);
      return async (...args: unknown[]): Promise<unknown> => {
        if (name === 'changePin' && when === 'after') await Reflect.apply(value, target, args);
        if (name === 'changePin') isDead = true;
        if (isDead) throw new Error('cut off');
        return Reflect.apply(value, target, args);
      };
    },
  });
}

function withChangePin(key: Key & PinProtected, changePinOnce: () => Promise<void>): Key {
  return new Proxy(key, {
    get(target, name) {
      const value: unknown = name === 'changePin' ? changePinOnce : Reflect.get(target, name, target);
      return bound(value, target);
    },
  });
}

function bound(value: unknown, target: object): unknown {
  if (typeof value !== 'function') return value;
  const method: unknown = value.bind(target);
  return method;
}
