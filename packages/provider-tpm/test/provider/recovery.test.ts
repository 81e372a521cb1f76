import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Key } from '@countersign/core';
import { createSwtpmTransport, TpmCommandQueue, type TpmProvider } from '@countersign/provider-tpm';
import { expect, test } from 'vitest';
import { clear } from '../../src/session/index.ts';
import { refusal } from '../refusal.ts';
import { lockout } from '../session/keys.ts';
import type { Swtpm } from '../start-swtpm.ts';
import { repetitions } from './long-forms.ts';
import {
  asAdministrator,
  expectNothingLeft,
  failures,
  makeScene,
  openGuarded,
  openProvider,
  setTries,
  startTpm,
  utf8,
} from './scene.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { verifies } from './verifies.ts';

const pin = utf8('482913');
const message = utf8('message');
const kills = repetitions('COUNTERSIGN_KILLS', 5);

test(`a TPM that is killed ${kills} times in mid-command costs what was under way, and nothing else`, async () => {
  const tpm = await startTpm();
  await beside(tpm, async (queue) => setTries(queue, kills + 10, 1_000_000));
  const provider = await openProvider({ uri: tpm.uri, storeDirectory: await temporaryDirectory() });
  const known = new Map<string, Key>();
  for (let index = 0; index < 3; index += 1) {
    const key = await provider.generate({ algorithm: 'p256', pin });
    known.set(key.ref, key);
  }
  let interrupted = 0;
  for (let round = 0; round < kills; round += 1) {
    const killing = killAfter(tpm, randomInt(25));
    const outcomes = await Promise.allSettled(work(provider, known));
    await killing;
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue;
      interrupted += 1;
      const { code } = await refusal(() => Promise.reject(outcome.reason));
      expect(['TPM_UNREACHABLE', 'TPM_REPLY_MALFORMED']).toContain(code);
    }
    // At once, without a word to the provider.
    for (const key of [...known.values()].slice(-3)) await expectSigns(key);
  }
  const listed = new Set((await provider.list()).map(({ ref }) => ref));
  for (const ref of known.keys()) expect(listed).toContain(ref);
  for (const ref of listed) {
    const key = await openGuarded(provider, ref);
    await key.unlock(pin);
    await expectSigns(key);
  }
  await provider.close();
  await beside(tpm, async (queue) => {
    await expectNothingLeft(queue);
    // Each unclean end after the use of a guarded key is counted as a wrong PIN by the TPM itself (part 1, 19.8.5).
    expect(await failures(queue)).toBeLessThanOrEqual(kills);
  });
  expect(interrupted).toBeGreaterThan(0);
}, 3_600_000);

test('a TPM that was reset while nothing was under way is used as before', async () => {
  const tpm = await startTpm();
  await beside(tpm, async (queue) => setTries(queue, 50, 1_000_000));
  const provider = await openProvider({ uri: tpm.uri, storeDirectory: await temporaryDirectory() });
  const keys = [
    await provider.generate({ algorithm: 'p256', pin }),
    await provider.generate({ algorithm: 'p256', pin }),
  ];
  for (let round = 0; round < 4; round += 1) {
    for (const key of keys) await expectSigns(key);
    await tpm.restart();
    const [key] = keys;
    if (round === 1) await key?.unlock(pin);
    if (round === 2) await key?.changePin(pin, pin);
    if (round === 3) await provider.generate({ algorithm: 'p256', pin });
  }
  for (const key of keys) await expectSigns(key);
  await provider.close();
  await beside(tpm, expectNothingLeft);
});

test('while the TPM is away every use says so, and afterwards all goes on', async () => {
  const tpm = await startTpm();
  const provider = await openProvider({ uri: tpm.uri, storeDirectory: await temporaryDirectory() });
  const key = await provider.generate({ algorithm: 'p256', pin });
  const open = await provider.generate({ algorithm: 'p256' });
  await tpm.kill();
  for (const use of [
    async () => key.sign('ecdsa-sha256', message),
    async () => open.sign('ecdsa-sha256', message),
    async () => key.unlock(pin),
    async () => key.changePin(pin, utf8('another')),
    async () => key.retriesLeft(),
    async () => provider.generate({ algorithm: 'p256', pin }),
  ]) {
    const error = await refusal(use);
    expect(error.code).toBe('TPM_UNREACHABLE');
    expect(error.message).toContain(tpm.endpoint.kind === 'tcp' ? String(tpm.endpoint.port) : '');
  }
  // What lies in files is there all the same.
  expect(await provider.list()).toHaveLength(2);
  await tpm.restart();
  await expectSigns(open);
  await expectSigns(key);
  await tpm.kill();
  await provider.close();
});

test('after TPM2_Clear its keys are refused, by a running provider and by the next', async () => {
  const { relay, provider: open } = await makeScene();
  const provider = await open();
  const key = await provider.generate({ algorithm: 'p256', pin });
  await key.sign('ecdsa-sha256', message);
  await asAdministrator(relay, async (pool) => clear(pool, lockout));
  for (const use of [
    async () => key.sign('ecdsa-sha256', message),
    async () => key.unlock(pin),
    async () => provider.generate({ algorithm: 'p256', pin }),
  ]) {
    expect((await refusal(use)).code).toBe('TPM_REFUSED');
  }
  await provider.close();
  await expectNothingLeft(relay);
  const error = await refusal(open);
  expect(error.code).toBe('KEY_HELD_ELSEWHERE');
  expect(error.hint).toContain('cleared');
  const fresh = await open({ storeDirectory: await temporaryDirectory() });
  await expectSigns(await fresh.generate({ algorithm: 'p256', pin }));
});

function work(provider: TpmProvider, known: Map<string, Key>): readonly Promise<void>[] {
  const keys = [...known.values()].slice(-4);
  return [
    ...keys.flatMap((key) => [expectSigns(key), expectSigns(key)]),
    ...keys.map(async ({ ref }) => (await openGuarded(provider, ref)).unlock(pin)),
    ...Array.from({ length: 2 }, async () => {
      const key = await provider.generate({ algorithm: 'p256', pin });
      known.set(key.ref, key);
      await expectSigns(key);
    }),
    ...keys.map(expectSigns),
  ];
}

async function expectSigns(key: Key): Promise<void> {
  const signature = await key.sign('ecdsa-sha256', message);
  if (!verifies('ecdsa-sha256', key.publicKey, message, signature)) throw new Error('a signature is wrong');
}

async function killAfter(tpm: Swtpm, milliseconds: number): Promise<void> {
  await delay(milliseconds);
  await tpm.restart();
}

/** Uses the TPM while no provider does. */
async function beside(tpm: Swtpm, use: (queue: TpmCommandQueue) => Promise<void>): Promise<void> {
  const queue = new TpmCommandQueue(createSwtpmTransport(tpm.endpoint));
  try {
    await use(queue);
  } finally {
    await queue.close();
  }
}
