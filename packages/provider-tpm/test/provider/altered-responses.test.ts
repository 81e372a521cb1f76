import { randomInt } from 'node:crypto';
import { CountersignError, type Key, type PinProtected } from '@countersign/core';
import { createTpmProvider, flushContext, getHandles, type TpmProvider } from '@countersign/provider-tpm';
import { expect, test } from 'vitest';
import { repetitions } from './long-forms.ts';
import { codeOf, type Relay } from './relay.ts';
import { makeScene, openGuarded, setTries, utf8, type Scene } from './scene.ts';
import { verifies } from './verifies.ts';

const message = utf8('message');
const firstPin = utf8('482913');
const alterations = repetitions('COUNTERSIGN_ALTERATIONS', 150);

interface Stage {
  readonly scene: Scene;
  readonly refs: { readonly guarded: string; readonly open: string };
  /** Undefined after one was closed and the next could not be opened. */
  use: { readonly provider: TpmProvider; readonly key: Key & PinProtected; readonly open: Key } | undefined;
  /** Of the guarded key, as it is now. */
  pin: Uint8Array;
  readonly made: string[];
}

type Deed = (stage: Stage) => Promise<void>;
const deeds: readonly Deed[] = [
  async (stage) => expectSigns(inUse(stage).key),
  async (stage) => expectSigns(inUse(stage).open),
  async (stage) => inUse(stage).key.unlock(stage.pin),
  async (stage) => {
    const handle = await openGuarded(inUse(stage).provider, stage.refs.guarded);
    await handle.unlock(stage.pin);
    await expectSigns(handle);
  },
  async (stage) => {
    const next = utf8(`PIN ${randomInt(1_000_000)}`);
    await inUse(stage).key.changePin(stage.pin, next);
    stage.pin = next;
  },
  async (stage) => {
    const key = await inUse(stage).provider.generate({ algorithm: 'p256', pin: firstPin });
    stage.made.push(key.ref);
    await expectSigns(key);
  },
  async (stage) => {
    const { provider } = inUse(stage);
    stage.use = undefined;
    await provider.close();
    await takeUp(stage);
    await inUse(stage).key.unlock(stage.pin);
    await expectSigns(inUse(stage).key);
  },
];

test(`${alterations} responses altered, lost, repeated or out of turn: an error with a code, or what was asked for`, async ({
  annotate,
}) => {
  const stage = await setUp();
  const lengths: number[] = [];
  for (const deed of deeds) lengths.push(await countCommands(stage, deed));
  const tally = new Map<string, number>();
  for (let index = 0; index < alterations; index += 1) {
    const deed = deeds[index % deeds.length] ?? never();
    const hit = alterOnce(stage.scene.relay, randomInt(lengths[index % deeds.length] ?? never()));
    const outcome = await outcomeOf(async () => deed(stage));
    stage.scene.relay.honest();
    const what = hit() === undefined ? 'not altered' : outcome;
    tally.set(what, (tally.get(what) ?? 0) + 1);
    await expectSound(stage);
  }
  await annotate([...tally].map(([what, count]) => `${what}: ${count}`).join(', '));
  const altered = alterations - (tally.get('not altered') ?? 0);
  expect(altered).toBeGreaterThan(alterations / 4);
  expect(tally.get('right') ?? 0).toBeLessThan(altered);
  const { provider } = inUse(stage);
  for (const ref of stage.made) {
    const key = await openGuarded(provider, ref);
    await key.unlock(firstPin);
    await expectSigns(key);
  }
  expect(await provider.list()).toHaveLength(2 + stage.made.length);
  await provider.close();
}, 3_600_000);

async function setUp(): Promise<Stage> {
  const scene = await makeScene();
  // Who alters a nonce makes the TPM count a wrong PIN.
  await setTries(scene.relay, 100_000, 1_000_000);
  const provider = await createTpmProvider({ uri: scene.relay.uri, storeDirectory: scene.storeDirectory });
  const guarded = await provider.generate({ algorithm: 'p256', pin: firstPin });
  const open = await provider.generate({ algorithm: 'p256' });
  const refs = { guarded: guarded.ref, open: open.ref };
  return { scene, refs, use: { provider, key: guarded, open }, pin: firstPin, made: [] };
}

async function takeUp(stage: Stage): Promise<void> {
  const { scene, refs } = stage;
  const provider = await createTpmProvider({ uri: scene.relay.uri, storeDirectory: scene.storeDirectory });
  stage.use = {
    provider,
    key: await openGuarded(provider, refs.guarded),
    open: await provider.open(refs.open),
  };
}

function inUse({ use }: Stage): NonNullable<Stage['use']> {
  return use ?? never();
}

async function countCommands(stage: Stage, deed: Deed): Promise<number> {
  let count = 0;
  stage.scene.relay.onCommand = (command) => {
    count += 1;
    return command;
  };
  await deed(stage);
  stage.scene.relay.honest();
  return count;
}

/** Whatever was altered before: the PIN is what it was last told to be, and both keys sign. */
async function expectSound(stage: Stage): Promise<void> {
  if (stage.use === undefined) {
    // What the last provider was kept from flushing would be the next one's to respect.
    for (const kind of ['transient', 'loadedSession'] as const) {
      for (const handle of await getHandles(stage.scene.relay, kind))
        await flushContext(stage.scene.relay, handle);
    }
    await takeUp(stage);
  }
  const { key, open } = inUse(stage);
  await key.unlock(stage.pin);
  await expectSigns(key);
  await expectSigns(open);
}

async function expectSigns(key: Key): Promise<void> {
  const signature = await key.sign('ecdsa-sha256', message);
  if (!verifies('ecdsa-sha256', key.publicKey, message, signature)) throw new Error('a signature is wrong');
}

async function outcomeOf(work: () => Promise<void>): Promise<string> {
  try {
    await work();
    return 'right';
  } catch (error) {
    if (error instanceof CountersignError) return error.code;
    throw error;
  }
}

/** @returns which command's response was altered, once it was */
function alterOnce(relay: Relay, position: number): () => number | undefined {
  let index = 0;
  let hit: number | undefined;
  const before: Buffer[] = [];
  relay.onResponse = (response, command) => {
    const current = index;
    index += 1;
    const original = Buffer.from(response);
    if (current !== position) {
      before.push(original);
      return response;
    }
    hit = codeOf(command);
    return alter(original, before);
  };
  return () => hit;
}

function alter(response: Buffer, before: readonly Buffer[]): Uint8Array | 'hang up' {
  const kind = randomInt(8);
  if (kind === 0) return 'hang up';
  // Of an earlier command: the last one, or any.
  if (kind === 1) return before.at(-1) ?? flipped(response);
  if (kind === 2) return before[randomInt(Math.max(1, before.length))] ?? flipped(response);
  return flipped(response);
}

/** One bit, or one octet, is another; not of the length, over which a transport would wait. */
function flipped(response: Buffer): Uint8Array {
  const offset = randomInt(response.length - 4);
  const at = offset < 2 ? offset : offset + 4;
  const mask = randomInt(2) === 0 ? 1 << randomInt(8) : randomInt(1, 256);
  return Uint8Array.from(response, (octet, index) => (index === at ? octet ^ mask : octet));
}

function never(): never {
  throw new Error('what was expected is not there');
}
