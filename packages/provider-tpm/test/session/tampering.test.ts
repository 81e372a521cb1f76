import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  commands,
  create,
  createPrimary,
  executeCommand,
  flushObject,
  getRandom,
  listHandles,
  load,
  objectChangeAuth,
  quote,
  readPublic,
  sign,
  startAuthSession,
  type CommandLayout,
  type KeyBlobs,
  type PublicObject,
  type SessionPool,
} from '../../src/session/index.ts';
import { cases } from './cases.ts';
import { InterposedChannel } from './channels.ts';
import {
  hmac,
  makeKey,
  makeSrk,
  owner,
  saltedPool,
  saltKeyOf,
  signingTemplate,
  utf8,
  type LoadedKey,
} from './keys.ts';
import { refusal } from './refusal.ts';
import { Swtpm } from './swtpm.ts';
import { sha256, verifies } from './verify-signature.ts';

const pin = utf8('482913');
const message = utf8('a message');
const ecdsa = { algorithm: 'ecdsa', hash: 'sha256' } as const;
const tellTale = ['TPM_RESPONSE_NOT_AUTHENTIC', 'TPM_STRUCTURE_MALFORMED', 'TPM_REFUSED'];

interface Scene {
  readonly tpm: Swtpm;
  readonly channel: InterposedChannel;
  readonly pool: SessionPool;
  readonly srk: PublicObject;
  readonly key: LoadedKey;
  /** Of a key that is not loaded: one with the same Name at another handle would be as good. */
  readonly spare: KeyBlobs;
}

type Operation = readonly [CommandLayout, (scene: Scene) => Promise<unknown>];
const operations: readonly Operation[] = [
  [commands.sign, async ({ pool, key }) => sign(pool, hmac(key, pin), sha256(message), ecdsa)],
  [
    commands.objectChangeAuth,
    async ({ pool, key, srk }) => objectChangeAuth(pool, hmac(key, pin), srk, utf8('new')),
  ],
  [
    commands.create,
    async ({ pool, srk }) => create(pool, hmac(srk), { publicArea: signingTemplate(), authValue: pin }),
  ],
  [commands.getRandom, async ({ pool }) => getRandom(pool, 16)],
  [
    commands.quote,
    async ({ pool, key }) => quote(pool, hmac(key, pin), message, ecdsa, [{ hash: 'sha256', pcrs: [0, 7] }]),
  ],
];

test(`${cases} altered responses are found out, and what comes after is sound`, async () => {
  const scene = await setUp();
  for (let index = 0; index < cases; index += 1) {
    const [layout, run] = operations[index % operations.length] ?? never();
    scene.channel.arm(layout.code, { response: altered });
    const error = await refusal(async () => run(scene));
    expect(tellTale).toContain(error.code);
    expect(scene.channel.armed).toBe(false);
    expect(await listHandles(scene.tpm, 'loadedSession')).toEqual([]);
    await assertSound(scene);
  }
  await assertLeavesNothing(scene);
});

test.each<Operation>([
  [commands.load, async ({ pool, srk, spare }) => load(pool, hmac(srk), spare)],
  [
    commands.createPrimary,
    async ({ pool }) => createPrimary(pool, owner, { publicArea: signingTemplate(), authValue: pin }),
  ],
])('$name: every altered byte is found out, also of the handle that no HMAC covers', async (layout, run) => {
  const scene = await setUp();
  const lengths: number[] = [];
  scene.channel.arm(layout.code, { response: (response) => (lengths.push(response.length), response) });
  await run(scene);
  await flushStrangers(scene);
  // The handle, with what lies around it, then any.
  const positions = Array.from({ length: cases }, (_, index) =>
    index < 24 ? index : randomInt(lengths[0] ?? 0),
  );
  for (const position of positions) {
    scene.channel.arm(layout.code, { response: (response) => alterAt(response, position) });
    expect(tellTale).toContain((await refusal(async () => run(scene))).code);
    await flushStrangers(scene);
  }
  await assertSound(scene);
  await assertLeavesNothing(scene);
});

test('an altered start of a session ends in an error or in what was asked for', async () => {
  const scene = await setUp();
  for (let index = 0; index < cases; index += 1) {
    scene.pool.forgetSessions();
    for (const handle of await listHandles(scene.tpm, 'loadedSession')) await flushObject(scene.pool, handle);
    scene.channel.arm(commands.startAuthSession.code, { response: altered });
    try {
      expect(verifies(scene.key.publicArea, message, await signed(scene))).toBe(true);
    } catch (error) {
      expect(tellTale).toContain((await refusal(() => Promise.reject(asError(error)))).code);
    }
    expect(scene.channel.armed).toBe(false);
    expect(verifies(scene.key.publicArea, message, await signed(scene))).toBe(true);
  }
});

test('dropped, repeated and reordered responses are found out', async () => {
  const scene = await setUp();
  for (const [layout, run] of operations) {
    const seen: Uint8Array[] = [];
    const keep = (response: Uint8Array): Uint8Array => (seen.push(response), response);
    scene.channel.arm(layout.code, { response: keep });
    await run(scene);
    // Repeated: the answer of before.
    scene.channel.arm(layout.code, { response: (response) => (seen.push(response), seen[0] ?? never()) });
    expect(tellTale).toContain((await refusal(async () => run(scene))).code);
    // Reordered: the answer that was held back comes for the next command.
    scene.channel.arm(layout.code, { response: () => seen[1] ?? never() });
    expect(tellTale).toContain((await refusal(async () => run(scene))).code);
    // Dropped.
    scene.channel.arm(layout.code, {
      response: () => {
        throw new Error('no response came');
      },
    });
    await expect(run(scene)).rejects.toThrow('no response came');
    await assertSound(scene);
  }
  await assertLeavesNothing(scene);
});

test('responses without their sessions, or with more, are found out', async () => {
  const scene = await setUp();
  const forgeries: readonly ((response: Uint8Array) => Uint8Array)[] = [
    (response) => Uint8Array.from([0x80, 0x01, ...response.slice(2)]),
    (response) => resized(response.slice(0, -1)),
    (response) => resized(Uint8Array.from([...response, 0])),
    // One more session, a copy of the one there is.
    (response) => resized(Uint8Array.from([...response, ...response.slice(-69)])),
    // None, in the form that a TPM has for commands without sessions.
    (response) => {
      const size = Buffer.from(response).readUInt32BE(10);
      return resized(
        Uint8Array.from([0x80, 0x01, ...response.slice(2, 10), ...response.slice(14, 14 + size)]),
      );
    },
    // An empty HMAC.
    (response) => resized(Uint8Array.from([...response.slice(0, -34), 0, 0])),
    () => new Uint8Array(),
  ];
  for (const response of forgeries) {
    scene.channel.arm(commands.sign.code, { response });
    expect(tellTale.slice(0, 2)).toContain((await refusal(async () => signed(scene))).code);
    await assertSound(scene);
  }
  await assertLeavesNothing(scene);
});

test('a refusal that no TPM would give is no refusal', async () => {
  const scene = await setUp();
  const refusals = [
    [0x80, 2, 0, 0, 0, 10, 0, 0, 9, 0x8e],
    [0x00, 0xc4, 0, 0, 0, 10, 0, 0, 0, 0x1e],
    [0x80, 1, 0, 0, 0, 11, 0, 0, 9, 0x8e, 0],
  ];
  for (const bytes of refusals) {
    scene.channel.arm(commands.sign.code, { response: () => Uint8Array.from(bytes) });
    expect((await refusal(async () => signed(scene))).code).toBe('TPM_STRUCTURE_MALFORMED');
    await assertSound(scene);
  }
  await assertLeavesNothing(scene);
});

test(`${cases} altered commands are refused by the TPM`, async () => {
  const scene = await setUp();
  const command = {
    layout: commands.objectChangeAuth,
    handles: [scene.key, scene.srk],
    parameters: Uint8Array.of(0, 3, 1, 2, 3),
  };
  for (let index = 0; index < cases; index += 1) {
    const session = await startAuthSession(scene.channel, 'hmac', { salt: saltKeyOf(scene.srk) });
    scene.channel.arm(command.layout.code, { command: altered });
    const use = {
      kind: 'session',
      session,
      authValue: pin,
      decrypt: true,
      encrypt: true,
      audit: false,
    } as const;
    const error = await refusal(async () =>
      executeCommand(scene.channel, command, [{ ...use, continueSession: true }]),
    );
    expect(error.code).toBe('TPM_REFUSED');
  }
  await assertSound(scene);
  await assertLeavesNothing(scene);
});

async function setUp(): Promise<Scene> {
  const tpm = await Swtpm.start();
  const srk = await makeSrk(tpm);
  const channel = new InterposedChannel(tpm);
  const pool = saltedPool(channel, srk);
  const key = await makeKey(pool, srk, pin);
  const spare = await create(pool, hmac(srk), { publicArea: signingTemplate(), authValue: pin });
  return { tpm, channel, pool, srk, key, spare };
}

async function signed({ pool, key }: Scene): ReturnType<typeof sign> {
  return sign(pool, hmac(key, pin), sha256(message), ecdsa);
}

async function assertSound(scene: Scene): Promise<void> {
  expect(verifies(scene.key.publicArea, message, await signed(scene))).toBe(true);
  expect((await readPublic(scene.pool, scene.key.handle)).name).toEqual(scene.key.name);
  expect((await listHandles(scene.tpm, 'loadedSession')).length).toBe(1);
}

async function assertLeavesNothing({ tpm, pool, srk, key }: Scene): Promise<void> {
  expect(await listHandles(tpm, 'transient')).toEqual([srk.handle, key.handle]);
  await pool.close();
  expect(await listHandles(tpm, 'loadedSession')).toEqual([]);
}

/** An object whose handle was altered on its way cannot be flushed by whom it was made for. */
async function flushStrangers({ tpm, pool, srk, key }: Scene): Promise<void> {
  for (const handle of await listHandles(tpm, 'transient')) {
    if (handle !== srk.handle && handle !== key.handle) await flushObject(pool, handle);
  }
}

/** One bit, or one byte, of a message is another; not of its length, over which a transport would hang. */
function altered(bytes: Uint8Array): Uint8Array {
  const offset = randomInt(bytes.length - 4);
  return alterAt(bytes, offset < 2 ? offset : offset + 4);
}

function alterAt(bytes: Uint8Array, offset: number): Uint8Array {
  const mask = randomInt(2) === 0 ? 1 << randomInt(8) : randomInt(1, 256);
  return Uint8Array.from(bytes, (byte, index) => (index === offset ? byte ^ mask : byte));
}

function resized(response: Uint8Array): Uint8Array {
  const copy = Buffer.from(response);
  copy.writeUInt32BE(copy.length, 2);
  return Uint8Array.from(copy);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : never();
}

function never(): never {
  throw new Error('what was expected is not there');
}
