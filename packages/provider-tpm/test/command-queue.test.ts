import {
  getRandom,
  openTransport,
  startup,
  TpmCommandQueue,
  type ExchangeOptions,
  type TpmTransport,
} from '@countersign/provider-tpm';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { refusal } from './refusal.ts';
import { startSwtpm, type Swtpm } from './start-swtpm.ts';
import { getRandomCommand } from './tpm-commands.ts';

let swtpm: Swtpm;
beforeAll(async () => {
  swtpm = await startSwtpm({ over: 'unix' });
});
afterAll(async () => swtpm.stop());

/** Answers with the codes given, one after the other, then with success; `hold` has it wait before each. */
class ScriptedTransport implements TpmTransport {
  readonly description = 'a scripted TPM';
  readonly sent: { readonly command: Uint8Array; readonly options: ExchangeOptions | undefined }[] = [];
  readonly #codes: number[];
  readonly #hold: Promise<void> | undefined;

  constructor(codes: readonly number[], hold?: Promise<void>) {
    this.#codes = [...codes];
    this.#hold = hold;
  }

  async exchange(command: Uint8Array, options?: ExchangeOptions): Promise<Uint8Array> {
    this.sent.push({ command, options });
    await this.#hold;
    const response = Buffer.from('80010000000a00000000', 'hex');
    response.writeUInt32BE(this.#codes.shift() ?? 0, 6);
    return response;
  }

  async close(): Promise<void> {}
}

test('200 commands at once are carried out one by one, in their order', async () => {
  const transport = await openTransport(swtpm.uri);
  const order: number[] = [];
  const queue = new TpmCommandQueue(transport);
  onTestFinished(async () => queue.close());
  const randoms = await Promise.all(
    Array.from({ length: 200 }, async (_, index) => {
      const random = await getRandom(queue, 1 + (index % 32));
      order.push(index);
      return random;
    }),
  );
  expect(randoms.map(({ length }) => length)).toEqual(
    Array.from({ length: 200 }, (_, index) => 1 + (index % 32)),
  );
  expect(order).toEqual(order.toSorted((one, other) => one - other));
  const long = randoms.filter(({ length }) => length > 15).map((bytes) => Buffer.from(bytes).toString('hex'));
  expect(new Set(long).size).toBe(long.length);
});

test('a command that waits can be taken back, and the others go on', async () => {
  const { promise: hold, resolve: release } = Promise.withResolvers<void>();
  const transport = new ScriptedTransport([], hold);
  const queue = new TpmCommandQueue(transport);
  const cancel = new AbortController();
  const first = queue.exchange(getRandomCommand);
  const second = refusal(async () => queue.exchange(getRandomCommand, { signal: cancel.signal }));
  const third = queue.exchange(getRandomCommand);
  cancel.abort('no longer wanted');
  expect((await second).code).toBe('TPM_CANCELLED');
  expect((await second).cause).toBe('no longer wanted');
  release();
  await Promise.all([first, third]);
  expect(transport.sent.length).toBe(2);
});

test('closing ends those that wait', async () => {
  const { promise: hold, resolve: release } = Promise.withResolvers<void>();
  const transport = new ScriptedTransport([], hold);
  const queue = new TpmCommandQueue(transport);
  const first = queue.exchange(getRandomCommand);
  const second = refusal(async () => queue.exchange(getRandomCommand));
  await queue.close();
  expect((await second).code).toBe('PROVIDER_CLOSED');
  release();
  await first;
  expect((await refusal(async () => queue.exchange(getRandomCommand))).code).toBe('PROVIDER_CLOSED');
  expect(transport.sent.length).toBe(1);
});

test.each([0x908, 0x90a, 0x920, 0x922])('a command refused with %i is sent again as it was', async (code) => {
  const transport = new ScriptedTransport([code, code, code]);
  const response = await new TpmCommandQueue(transport).exchange(getRandomCommand, { timeoutMs: 60_000 });
  expect(Buffer.from(response).toString('hex')).toBe('80010000000a00000000');
  expect(transport.sent.length).toBe(4);
  for (const { command } of transport.sent) expect(command).toBe(getRandomCommand);
  const allowed = transport.sent.map(({ options }) => options?.timeoutMs ?? 0);
  expect(allowed).toEqual(allowed.toSorted((one, other) => other - one));
});

test.each([0x101, 0x921, 0x923, 0x98e, 0x902])(
  'a command refused with %i is not sent again',
  async (code) => {
    const transport = new ScriptedTransport([code]);
    const response = await new TpmCommandQueue(transport).exchange(getRandomCommand);
    expect(Buffer.from(response).readUInt32BE(6)).toBe(code);
    expect(transport.sent.length).toBe(1);
  },
);

test('repetitions end: with the attempts, with the time, with the signal, with the queue', async () => {
  const forever = Array.from({ length: 100 }, () => 0x922);
  const attempts = new ScriptedTransport(forever);
  const few = new TpmCommandQueue(attempts, { attempts: 3 });
  const error = await refusal(async () => startup(few, 'clear'));
  expect(error.code).toBe('TPM_BUSY');
  expect(error.message).toContain('TPM_RC_RETRY (0x922)');
  expect(attempts.sent.length).toBe(3);

  const slow = { firstDelayMs: 1_000_000, maxDelayMs: 1_000_000 };
  const inTime = new TpmCommandQueue(new ScriptedTransport(forever), slow);
  const last = await inTime.exchange(getRandomCommand, { timeoutMs: 1000 });
  expect(Buffer.from(last).readUInt32BE(6)).toBe(0x922);

  const waiting = new TpmCommandQueue(new ScriptedTransport(forever), slow);
  const cancel = new AbortController();
  const cancelled = refusal(async () =>
    waiting.exchange(getRandomCommand, { signal: cancel.signal, timeoutMs: 2_000_000 }),
  );
  setImmediate(() => cancel.abort());
  expect((await cancelled).code).toBe('TPM_CANCELLED');

  const closing = refusal(async () => waiting.exchange(getRandomCommand, { timeoutMs: 2_000_000 }));
  setImmediate(() => void waiting.close());
  expect((await closing).code).toBe('PROVIDER_CLOSED');
});
