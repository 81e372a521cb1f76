import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Key } from '@countersign/core';
import { flushContext, getHandles } from '@countersign/provider-tpm';
import { expect, test } from 'vitest';
import { expectNothingLeft, makeScene, openProvider, startTpm, utf8, type Scene } from './scene.ts';
import { repetitions } from './long-forms.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { verifies } from './verifies.ts';

const pin = utf8('482913');
const keyCount = repetitions('COUNTERSIGN_KEYS', 24);
const signatureCount = repetitions('COUNTERSIGN_SIGNATURES', 300);

/** What a TPM of the PC client profile has. */
const slots = 3;

test(`${keyCount} keys in turn and at once through ${slots} slots`, async () => {
  const scene = await makeScene();
  const peak = watchSlots(scene);
  const provider = await scene.provider();
  const keys: Key[] = [];
  for (let index = 0; index < keyCount; index += 1) {
    // Every fourth is used without a PIN.
    const guard = index % 4 === 3 ? {} : { pin };
    keys.push(await provider.generate({ algorithm: 'p256', label: `key ${index}`, ...guard }));
  }
  for (let round = 0; round < 2; round += 1) {
    for (const [index, key] of keys.entries()) await expectSigns(key, `${round} ${index}`);
  }
  await Promise.all(keys.map(async (key, index) => expectSigns(key, `at once ${index}`)));
  await Promise.all(
    Array.from({ length: keyCount }, async (_, index) => {
      const key = keys[(index * 7) % keys.length];
      if (key === undefined) throw new Error('there is no key');
      await expectSigns(key, `crosswise ${index}`);
    }),
  );
  expect(peak()).toBeGreaterThan(1);
  expect(peak()).toBeLessThanOrEqual(slots);
  await provider.close();
  await expectNothingLeft(scene.relay);
}, 3_600_000);

test('work of every kind at once', async () => {
  const scene = await makeScene();
  const peak = watchSlots(scene);
  const provider = await scene.provider();
  const keys = await Promise.all(
    Array.from({ length: 6 }, async () => provider.generate({ algorithm: 'p256', pin })),
  );
  const [first, second, third, ...others] = keys;
  if (first === undefined || second === undefined || third === undefined) throw new Error('keys are missing');
  const signing = [third, ...others].flatMap((key) => Array.from({ length: 5 }, () => key));
  await Promise.all([
    ...signing.map(async (key, index) => expectSigns(key, `${index}`)),
    first.changePin(pin, utf8('another')),
    provider.destroy(second.ref),
    provider.generate({ algorithm: 'p384', pin }),
    first.retriesLeft(),
    provider.list(),
    ...others.map(async (key) => key.unlock(pin)),
  ]);
  await expectSigns(first, 'after the change');
  expect(await provider.list()).toHaveLength(6);
  expect(peak()).toBeLessThanOrEqual(slots);
  await provider.close();
  await expectNothingLeft(scene.relay);
});

test('objects and sessions of others are left alone, and what others flushed is loaded again', async () => {
  const scene = await makeScene();
  const provider = await scene.provider();
  const keys = [
    await provider.generate({ algorithm: 'p256', pin }),
    await provider.generate({ algorithm: 'p256', pin }),
  ];
  for (let round = 0; round < 8; round += 1) {
    for (const [index, key] of keys.entries()) await expectSigns(key, `${index}`);
    const [victim, ...kept] = await getHandles(scene.relay, round % 2 === 0 ? 'transient' : 'loadedSession');
    if (victim === undefined) throw new Error('nothing is loaded');
    await flushContext(scene.relay, victim);
    expect(await getHandles(scene.relay, round % 2 === 0 ? 'transient' : 'loadedSession')).toEqual(kept);
    // A session of another kind takes the number of the one that was flushed.
    if (round % 4 === 1) await keys[0]?.unlock(pin);
    for (const [index, key] of keys.toReversed().entries()) await expectSigns(key, `${index}`);
  }
  await provider.close();
  await expectNothingLeft(scene.relay);
});

test(`${signatureCount} signatures through two keys, each verified, in the same memory`, async ({
  annotate,
}) => {
  const tpm = await startTpm({ over: 'unix' });
  const provider = await openProvider({ uri: tpm.uri, storeDirectory: await temporaryDirectory() });
  const guarded = await provider.generate({ algorithm: 'p256', pin });
  const open = await provider.generate({ algorithm: 'p256' });
  const warm = Math.floor(signatureCount / 4);
  let before = 0;
  for (let index = 0; index < signatureCount; index += 1) {
    if (index === warm) before = heapUsed();
    await expectSigns(index % 2 === 0 ? guarded : open, `message ${index}`);
  }
  // A leak of so little as a nonce with each signature would show in the long form.
  const growth = heapUsed() - before;
  await annotate(`the heap grew by ${Math.round(growth / 1024)} KiB`);
  expect(growth).toBeLessThan(8 * 2 ** 20);
}, 3_600_000);

async function expectSigns(key: Key, text: string): Promise<void> {
  const signature = await key.sign('ecdsa-sha256', utf8(text));
  if (!verifies('ecdsa-sha256', key.publicKey, utf8(text), signature)) {
    throw new Error(`the signature of ${text} is wrong`);
  }
}

/** Loaded objects at the most, counted from the commands that load and flush. */
function watchSlots({ relay }: Scene): () => number {
  const loaded = new Set<number>();
  let peak = 0;
  const [load, createPrimary, flush] = [0x157, 0x131, 0x165];
  relay.onResponse = (response, command) => {
    if (response.readUInt32BE(6) !== 0) return response;
    const code = command.readUInt32BE(6);
    if (code === load || code === createPrimary) loaded.add(response.readUInt32BE(10));
    if (code === flush) loaded.delete(command.readUInt32BE(10));
    peak = Math.max(peak, loaded.size);
    return response;
  };
  return () => peak;
}

function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc()');
  return process.memoryUsage().heapUsed;
}
