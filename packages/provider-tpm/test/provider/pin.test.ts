import { setTimeout as delay } from 'node:timers/promises';
import { isPinProtected, type Key, type PinProtected } from '@countersign/core';
import type { TpmProvider } from '@countersign/provider-tpm';
import { describe, expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import {
  allowFailures,
  failureCount,
  message,
  pin,
  providerOn,
  resetLockout,
  swtpm,
  temporaryDirectory,
  verifies,
} from './running-provider.ts';

const wrong = new TextEncoder().encode('000000');
const next = new TextEncoder().encode('73 anders');

describe('wrong PINs', () => {
  test('count down to the last try, which is not taken; the TPM is not even asked', async () => {
    const tpm = await swtpm();
    await allowFailures(tpm, 4, 3600);
    const provider = await providerOn(tpm);
    const key = await provider.generate({ algorithm: 'p256', pin });
    for (const left of [3, 2, 1]) {
      const error = await refusal(async () => key.unlock(wrong));
      expect(error.code).toBe('PIN_INCORRECT');
      expect(error.message).toContain(`${left} of 4 tries are left`);
      expect(error.message).not.toContain('000000');
      expect(error.hint).toContain('3600 seconds');
      expect(await key.retriesLeft()).toBe(left);
    }
    expect((await refusal(async () => key.unlock(pin))).code).toBe('PIN_FINAL_TRY');
    expect((await refusal(async () => key.changePin(pin, next))).code).toBe('PIN_FINAL_TRY');
    await provider.close();
    expect(await failureCount(tpm)).toBe(3);
  });

  test('lock the TPM at the last try, if it is asked for, and an administrator ends that', async () => {
    const tpm = await swtpm();
    await allowFailures(tpm, 2, 3600);
    const storeDirectory = await temporaryDirectory();
    const bold = await providerOn(tpm, { storeDirectory, allowFinalPinTry: true });
    const key = await bold.generate({ algorithm: 'p256', pin });
    await refusal(async () => key.unlock(wrong));
    expect((await refusal(async () => key.unlock(wrong))).code).toBe('PIN_LOCKED');
    const locked = await refusal(async () => key.unlock(pin));
    expect(locked.code).toBe('PIN_LOCKED');
    expect(locked.hint).toContain('3600 seconds');
    expect(await key.retriesLeft()).toBe(0);
    await bold.close();
    await resetLockout(tpm);
    const again = await opened(await providerOn(tpm, { storeDirectory }), key.ref);
    await again.unlock(pin);
    expect(await verifies(again, 'ecdsa-sha256')).toBe(true);
  });

  test('are forgotten one by one, as the TPM says', async () => {
    const tpm = await swtpm();
    await allowFailures(tpm, 5, 1);
    const provider = await providerOn(tpm);
    const key = await provider.generate({ algorithm: 'p256', pin });
    await refusal(async () => key.unlock(wrong));
    while ((await key.retriesLeft()) < 5) await delay(100);
    await key.unlock(pin);
  });

  test('of one key count for all; keys without a PIN go on', async () => {
    const tpm = await swtpm();
    await allowFailures(tpm, 2, 3600);
    const provider = await providerOn(tpm, { allowFinalPinTry: true });
    const [first, second] = [
      await provider.generate({ algorithm: 'p256', pin }),
      await provider.generate({ algorithm: 'p256', pin }),
    ];
    const open = await provider.generate({ algorithm: 'p256' });
    for (let tried = 0; tried < 2; tried += 1) await refusal(async () => first.unlock(wrong));
    expect((await refusal(async () => second.sign('ecdsa-sha256', message))).code).toBe('PIN_LOCKED');
    expect(second.locked).toBe(true);
    expect(await verifies(open, 'ecdsa-sha256')).toBe(true);
  });
});

test('our own use never adds to the count', async () => {
  const tpm = await swtpm();
  const storeDirectory = await temporaryDirectory();
  const provider = await providerOn(tpm, { storeDirectory });
  const key = await provider.generate({ algorithm: 'p256', pin });
  for (let round = 0; round < 20; round += 1) {
    key.lock();
    await key.unlock(pin);
    await Promise.all(Array.from({ length: 5 }, async () => key.sign('ecdsa-sha256', message)));
  }
  await key.attest(message);
  await key.changePin(pin, next);
  await verifies(key, 'ecdsa-sha256');
  await key.changePin(next, pin);
  expect((await refusal(async () => key.unlock(new Uint8Array(40).fill(65)))).code).toBe('PIN_INVALID');
  expect((await refusal(async () => key.unlock(new Uint8Array()))).code).toBe('PIN_INVALID');
  await provider.close();
  expect(await failureCount(tpm)).toBe(0);
});

describe('a PIN is changed', () => {
  test('for the same key, and its other handles are locked', async () => {
    const tpm = await swtpm();
    await allowFailures(tpm, 100, 3600);
    const provider = await providerOn(tpm);
    const key = await provider.generate({ algorithm: 'p256', label: 'same', pin });
    const other = await opened(provider, key.ref);
    await other.unlock(pin);
    await key.changePin(pin, next);
    expect(other.locked).toBe(true);
    expect(key.locked).toBe(false);
    expect(await verifies(key, 'ecdsa-sha256')).toBe(true);
    expect((await refusal(async () => other.unlock(pin))).code).toBe('PIN_INCORRECT');
    await other.unlock(next);
    expect(await verifies(other, 'ecdsa-sha256')).toBe(true);
    expect(await provider.list()).toMatchObject([{ ref: key.ref, label: 'same', publicKey: key.publicKey }]);
    expect((await refusal(async () => key.changePin(pin, next))).code).toBe('PIN_INCORRECT');
  });

  test('by one who holds an old copy of the file: that keeps the old one', async () => {
    const tpm = await swtpm();
    const provider = await providerOn(tpm);
    const key = await provider.generate({ algorithm: 'p256', pin });
    const copy = await provider.exportKeyFile(key.ref);
    await key.changePin(pin, next);
    await provider.close();
    const elsewhere = await providerOn(tpm);
    const old = await opened(elsewhere, await elsewhere.importKeyFile(copy));
    await old.unlock(pin);
    expect(old.publicKey).toEqual(key.publicKey);
  });
});

test.each([
  ['three octets', Buffer.from('123')],
  ['33 octets', Buffer.alloc(33, '1')],
  ['no UTF-8', Buffer.from([0xff, 0xfe, 0xfd, 0xfc])],
  ['a NUL at the end', Buffer.from('12345\0')],
  ['nothing', Buffer.alloc(0)],
])('a new PIN of %s is refused, and nothing made', async (_, bad) => {
  const provider = await providerOn(await swtpm());
  const error = await refusal(async () => provider.generate({ algorithm: 'p256', pin: bad }));
  expect(error.code).toBe('PIN_INVALID');
  expect(await provider.list()).toEqual([]);
  const key = await provider.generate({ algorithm: 'p256', pin });
  expect((await refusal(async () => key.changePin(pin, bad))).code).toBe('PIN_INVALID');
  key.lock();
  await key.unlock(pin);
});

test('the caller may wipe its PINs as soon as the calls return', async () => {
  const provider = await providerOn(await swtpm());
  const given = Uint8Array.from(pin);
  const making = provider.generate({ algorithm: 'p256', pin: given });
  given.fill(0);
  const key = await making;
  const [current, replacement] = [Uint8Array.from(pin), Uint8Array.from(next)];
  const changing = key.changePin(current, replacement);
  current.fill(0);
  replacement.fill(0);
  await changing;
  key.lock();
  const entered = Uint8Array.from(next);
  const unlocking = key.unlock(entered);
  entered.fill(0);
  await unlocking;
  expect(await verifies(key, 'ecdsa-sha256')).toBe(true);
});

async function opened(provider: TpmProvider, ref: string): Promise<Key & PinProtected> {
  const key = await provider.open(ref);
  if (isPinProtected(key)) return key;
  throw new Error('the key has no PIN');
}
