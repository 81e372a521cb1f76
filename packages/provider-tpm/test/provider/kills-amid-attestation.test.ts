import { setTimeout as delay } from 'node:timers/promises';
import { CountersignError, type AttestsKey, type Key, type PinProtected } from '@countersign/core';
import { expect, test } from 'vitest';
import {
  allowFailures,
  failureCount,
  leftovers,
  pin,
  providerOn,
  swtpm,
  verifies,
} from './running-provider.ts';

/** 5, or what COUNTERSIGN_KILLS says. */
const kills = Number(process.env['COUNTERSIGN_KILLS'] ?? 5);

test(`a TPM that is killed ${kills} times in mid-command loses no key, and nothing wrong comes of it`, async () => {
  const tpm = await swtpm();
  // Each unclean end counts as a failure, by the TPM's own rule; whoever kills it that often makes room for that.
  await allowFailures(tpm, 1000, 100_000);
  const provider = await providerOn(tpm);
  const keys: (Key & AttestsKey & PinProtected)[] = [];
  for (let made = 0; made < 4; made += 1) keys.push(await provider.generate({ algorithm: 'p256', pin }));
  const over = new AbortController();
  let signatures = 0;
  const failures: CountersignError[] = [];
  const work = async (worker: number): Promise<void> => {
    for (let turn = 0; !over.signal.aborted; turn += 1) {
      const key = keys[(worker + turn) % keys.length];
      if (key === undefined) return;
      try {
        await useSomehow(key, turn);
        signatures += 1;
      } catch (error) {
        if (!(error instanceof CountersignError)) throw error;
        failures.push(error);
        await delay(2);
      }
    }
  };
  const useSomehow = async (key: Key & AttestsKey & PinProtected, turn: number): Promise<void> => {
    if (turn % 40 === 17) await provider.destroy((await provider.generate({ algorithm: 'p256', pin })).ref);
    if (turn % 40 === 33) await provider.attestationIdentity();
    if (key.locked || turn % 40 === 25) await key.unlock(pin);
    if (turn % 40 === 9) await key.attest(pin);
    expect(await verifies(key, 'ecdsa-sha256', Uint8Array.of(turn & 0xff))).toBe(true);
  };
  const workers = [0, 1, 2].map(work);
  for (let killed = 0; killed < kills; killed += 1) {
    await delay(30 + Math.random() * 80);
    await tpm.restart();
  }
  await delay(200);
  over.abort();
  await Promise.all(workers);
  expect(signatures).toBeGreaterThan(kills);
  expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(['TPM_UNREACHABLE']));
  expect(await provider.list()).toHaveLength(keys.length);
  for (const key of keys) {
    key.lock();
    await key.unlock(pin);
    expect(await verifies(key, 'ecdsa-sha256')).toBe(true);
  }
  await provider.close();
  expect(await leftovers(tpm)).toEqual([]);
  expect(await failureCount(tpm)).toBeLessThanOrEqual(kills);
}, 600_000);
