import { CountersignError, type Key } from '@countersign/core';
import { expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { expectNothingLeft, makeScene, openGuarded, openProvider, startTpm, utf8 } from './scene.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { verifies } from './verifies.ts';

const pin = utf8('482913');
const message = utf8('message');

test('after close nothing works, and a new provider finds the keys', async () => {
  const scene = await makeScene();
  const provider = await scene.provider();
  const key = await provider.generate({ algorithm: 'p256', label: 'lasting', pin });
  const file = await provider.exportKeyFile(key.ref);
  await Promise.all([provider.close(), provider.close()]);
  await provider.close();
  for (const use of [
    async () => key.sign('ecdsa-sha256', message),
    async () => key.unlock(pin),
    async () => key.changePin(pin, utf8('another')),
    async () => key.retriesLeft(),
    async () => provider.list(),
    async () => provider.open(key.ref),
    async () => provider.generate({ algorithm: 'p256', pin }),
    async () => provider.destroy(key.ref),
    async () => provider.putCertificate(key.ref, utf8('')),
    async () => provider.getCertificate(key.ref),
    async () => provider.listCertificates(),
    async () => provider.removeCertificate(key.ref),
    async () => provider.importKeyFile(file),
    async () => provider.exportKeyFile(key.ref),
  ]) {
    expect((await refusal(use)).code).toMatch(/^(PROVIDER_CLOSED|DER_MALFORMED)$/);
  }
  expect(key.locked).toBe(true);
  await expectNothingLeft(scene.relay);
  const next = await scene.provider();
  const again = await openGuarded(next, key.ref);
  expect(again.label).toBe('lasting');
  await again.unlock(pin);
  const signature = await again.sign('ecdsa-sha256', message);
  expect(verifies('ecdsa-sha256', key.publicKey, message, signature)).toBe(true);
});

test('closed at any moment, a provider leaves nothing in the TPM, and no key that nobody was told of', async () => {
  const scene = await makeScene();
  let told = 0;
  for (let steps = 0; steps < 40; steps += 1) {
    const provider = await scene.provider();
    let countdown = steps;
    const { promise, resolve } = Promise.withResolvers<void>();
    scene.relay.onCommand = (command) => {
      countdown -= 1;
      if (countdown === 0) resolve();
      return command;
    };
    const work = async (): Promise<void> => {
      const key = await provider.generate({ algorithm: 'p256', pin });
      told += 1;
      const other = await openGuarded(provider, key.ref);
      await Promise.all([other.unlock(pin), key.sign('ecdsa-sha256', message)]);
      await key.changePin(pin, utf8('another'));
    };
    const working = work();
    await Promise.race([promise, working.catch(() => undefined)]);
    await provider.close();
    const [outcome] = await Promise.allSettled([working]);
    if (outcome.status === 'rejected') {
      expect(outcome.reason).toBeInstanceOf(CountersignError);
      expect(outcome.reason).toMatchObject({ code: 'PROVIDER_CLOSED' });
    }
    scene.relay.honest();
    await expectNothingLeft(scene.relay);
  }
  expect(told).toBeGreaterThan(5);
  expect(told).toBeLessThan(40);
  expect(await (await scene.provider()).list()).toHaveLength(told);
});

test('providers on one directory, one after the other and at once, find each other’s keys', async () => {
  const scene = await makeScene();
  const first = await scene.provider();
  const second = await scene.provider();
  const made = await first.generate({ algorithm: 'p256', label: 'shared', pin });
  const found = await openGuarded(second, made.ref);
  await found.unlock(pin);
  const rounds = Array.from({ length: 20 }, (_, index) => utf8(`message ${index}`));
  const signed = await Promise.all(
    rounds.map(async (text, index) => (index % 2 === 0 ? made : found).sign('ecdsa-sha256', text)),
  );
  for (const [index, signature] of signed.entries()) {
    expect(verifies('ecdsa-sha256', made.publicKey, rounds[index] ?? message, signature)).toBe(true);
  }
  const many: Key[] = [];
  for (let index = 0; index < 8; index += 1) {
    many.push(await (index % 2 === 0 ? first : second).generate({ algorithm: 'p256', pin }));
  }
  expect(await first.list()).toEqual(await second.list());
  expect(await first.list()).toHaveLength(9);
  await first.destroy(made.ref);
  expect((await refusal(async () => second.open(made.ref))).code).toBe('KEY_NOT_FOUND');
  expect((await refusal(async () => found.unlock(pin))).code).toBe('KEY_NOT_FOUND');
  await second.close();
  for (const key of many.filter((_, index) => index % 2 === 0)) await key.sign('ecdsa-sha256', message);
  await first.close();
  await expectNothingLeft(scene.relay);
});

test('without a relay, straight at the TPM, one process after another finds the keys', async () => {
  for (const over of ['tcp', 'unix'] as const) {
    const tpm = await startTpm({ over });
    const storeDirectory = await temporaryDirectory();
    const first = await openProvider({ uri: tpm.uri, storeDirectory });
    const { ref, publicKey } = await first.generate({ algorithm: 'p256', pin });
    await first.close();
    // The reference names TPM and directory.
    const second = await openProvider({ uri: ref });
    const key = await openGuarded(second, ref);
    await key.unlock(pin);
    expect(verifies('ecdsa-sha256', publicKey, message, await key.sign('ecdsa-sha256', message))).toBe(true);
    await second.close();
  }
});

test('a TPM that nobody has started is started', async () => {
  const scene = await makeScene({ started: false });
  const provider = await scene.provider();
  const key = await provider.generate({ algorithm: 'p256', pin });
  await scene.tpm.restart();
  const signature = await key.sign('ecdsa-sha256', message);
  expect(verifies('ecdsa-sha256', key.publicKey, message, signature)).toBe(true);
  await provider.close();
  await expectNothingLeft(scene.relay);
});
