import { CountersignError, type Key, type PinProtected } from '@countersign/core';
import { getHandles, type TpmProvider } from '@countersign/provider-tpm';
import { expect, test } from 'vitest';
import { codeOf } from './relay.ts';
import { expectNothingLeft, failures, makeScene, setTries, utf8, type Scene } from './scene.ts';
import { verifies } from './verifies.ts';

const pin = utf8('482913');
const message = utf8('message');

type Loss = 'command' | 'response';

test.each<Loss>(['command', 'response'])(
  'whichever %s is lost, with the connection, the work goes on, and nothing is left in the TPM',
  async (loss) => {
    const scene = await makeScene();
    // A command whose answer was lost may be authorized twice, but never with a wrong PIN.
    await setTries(scene.relay, 5, 1000);
    const setUp = await scene.provider();
    const { ref } = await setUp.generate({ algorithm: 'p256', pin });
    await setUp.generate({ algorithm: 'p256' });
    await setUp.close();
    let lost = 1;
    let losses = 0;
    for (let position = 0; lost > 0; position += 1) {
      const provider = await scene.provider();
      const count = countLosses(scene, loss, (index) => index === position);
      await attempt(async () => everything(provider, ref));
      lost = count();
      losses += lost;
      scene.relay.honest();
      await everything(provider, ref);
      await provider.close();
      await expectNothingLeft(scene.relay);
      expect(await failures(scene.relay)).toBe(0);
    }
    expect(losses).toBeGreaterThan(20);
  },
);

test.each<Loss>(['command', 'response'])(
  'whichever %s is lost while closing, nothing is left',
  async (loss) => {
    const scene = await makeScene();
    let lost = 1;
    for (let position = 0; lost > 0; position += 1) {
      const provider = await scene.provider();
      const keys = [
        await provider.generate({ algorithm: 'p256', pin }),
        await provider.generate({ algorithm: 'p256', pin }),
      ];
      for (const key of keys) expectSignature(key, await key.sign('ecdsa-sha256', message));
      expect(await getHandles(scene.relay, 'transient')).toHaveLength(2);
      const count = countLosses(scene, loss, (index) => index === position);
      await provider.close();
      lost = count();
      scene.relay.honest();
      await expectNothingLeft(scene.relay);
    }
  },
);

test.each<Loss>(['command', 'response'])(
  'whichever %s is lost while opening, nothing is left',
  async (loss) => {
    let lost = 1;
    for (let position = 0; lost > 0; position += 1) {
      const scene = await makeScene();
      const count = countLosses(scene, loss, (index) => index === position);
      await attempt(async () => (await scene.provider()).close());
      lost = count();
      scene.relay.honest();
      await expectNothingLeft(scene.relay);
      const provider = await scene.provider();
      await provider.generate({ algorithm: 'p256', pin });
      await provider.close();
      await expectNothingLeft(scene.relay);
      await scene.tpm.stop();
    }
  },
);

test('where every second answer to a load is lost, no slot is lost with it', async () => {
  const scene = await makeScene();
  const provider = await scene.provider();
  const keys: Key[] = [];
  for (let index = 0; index < 5; index += 1) keys.push(await provider.generate({ algorithm: 'p256', pin }));
  const count = countLosses(scene, 'response', (_, code, ofCode) => code === 0x157 && ofCode % 2 === 0);
  let signed = 0;
  for (let index = 0; index < 30; index += 1) {
    const key = keys[index % keys.length];
    if (key === undefined) throw new Error('there is no key');
    await attempt(async () => {
      expectSignature(key, await key.sign('ecdsa-sha256', message));
      signed += 1;
    });
  }
  expect(signed).toBeGreaterThan(10);
  expect(count()).toBeGreaterThan(10);
  scene.relay.honest();
  for (const key of keys) expectSignature(key, await key.sign('ecdsa-sha256', message));
  await provider.close();
  await expectNothingLeft(scene.relay);
});

test('a PIN that was changed, a key that was destroyed, is told as that, though its slot could not be emptied', async () => {
  const scene = await makeScene();
  const provider = await scene.provider();
  const key = await provider.generate({ algorithm: 'p256', pin });
  for (const deed of [
    async () => key.changePin(pin, utf8('another')),
    async () => provider.destroy(key.ref),
  ]) {
    const count = countLosses(scene, 'command', (_, code, ofCode) => code === 0x165 && ofCode === 0);
    await deed();
    expect(count()).toBe(1);
    scene.relay.honest();
    if ((await provider.list()).length > 0) expectSignature(key, await key.sign('ecdsa-sha256', message));
  }
  expect(await provider.list()).toEqual([]);
  await provider.close();
  await expectNothingLeft(scene.relay);
});

/** Some of all that a provider does, so that slots run short. */
async function everything(provider: TpmProvider, ref: string): Promise<void> {
  const key = await provider.open(ref);
  if (!isGuarded(key)) throw new Error('the key has no PIN');
  await key.unlock(pin);
  expectSignature(key, await key.sign('ecdsa-sha256', message));
  for (const { ref: each, label } of await provider.list()) {
    if (each === ref) continue;
    if (label === 'temporary') await provider.destroy(each);
    else {
      const open = await provider.open(each);
      expectSignature(open, await open.sign('ecdsa-sha256', message));
    }
  }
  const made = await provider.generate({ algorithm: 'p256', label: 'temporary', pin });
  expectSignature(made, await made.sign('ecdsa-sha256', message));
  await made.changePin(pin, utf8('another'));
  expectSignature(made, await made.sign('ecdsa-sha256', message));
  await provider.destroy(made.ref);
  expectSignature(key, await key.sign('ecdsa-sha256', message));
}

function isGuarded(key: Key): key is Key & PinProtected {
  return 'unlock' in key;
}

function expectSignature(key: Key, signature: Uint8Array): void {
  expect(verifies('ecdsa-sha256', key.publicKey, message, signature)).toBe(true);
}

/** Work that may fail, though only with one of our errors. */
async function attempt(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    expect(['TPM_UNREACHABLE', 'TPM_REPLY_MALFORMED']).toContain(error.code);
  }
}

function countLosses(
  { relay }: Scene,
  loss: Loss,
  isLost: (index: number, code: number, ofCode: number) => boolean,
): () => number {
  let index = 0;
  let losses = 0;
  const ofCode = new Map<number, number>();
  const decide = (command: Buffer): boolean => {
    const code = codeOf(command);
    const before = ofCode.get(code) ?? 0;
    ofCode.set(code, before + 1);
    const lost = isLost(index, code, before);
    index += 1;
    if (lost) losses += 1;
    return lost;
  };
  if (loss === 'command') relay.onCommand = (command) => (decide(command) ? 'hang up' : command);
  else relay.onResponse = (response, command) => (decide(command) ? 'hang up' : response);
  return () => losses;
}
