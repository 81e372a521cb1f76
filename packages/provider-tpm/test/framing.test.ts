import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Socket } from 'node:net';
import { createSwtpmTransport, type TpmTransport } from '@countersign/provider-tpm';
import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { refusal } from './refusal.ts';
import { startPeer, type StreamPeer } from './stream-peer.ts';
import { startSwtpm, type Swtpm } from './start-swtpm.ts';
import { getRandomCommand } from './tpm-commands.ts';

/** What the proxy does with the next response; then it is honest again. */
type Tampering = (socket: Socket, response: Buffer) => void | Promise<void>;

let swtpm: Swtpm;
let tpm: TpmTransport;
let proxy: StreamPeer;
let tampering: Tampering | undefined;
beforeAll(async () => {
  swtpm = await startSwtpm({ over: 'unix' });
  tpm = createSwtpmTransport(swtpm.endpoint);
  proxy = await startPeer(async (socket, command) => {
    const response = Buffer.from(await tpm.exchange(command));
    const tamper = tampering;
    tampering = undefined;
    if (tamper === undefined) socket.write(response);
    else await tamper(socket, response);
  });
});
beforeEach(() => {
  tampering = undefined;
});
afterAll(async () => {
  await proxy.stop();
  await tpm.close();
  await swtpm.stop();
});

function open(): TpmTransport {
  const transport = createSwtpmTransport(proxy.endpoint);
  onTestFinished(async () => transport.close());
  return transport;
}

/** TPM2_GetRandom of so many bytes: the length of its response tells whose response it is. */
function askFor(bytes: number): Buffer {
  const command = Buffer.from(getRandomCommand);
  command.writeUInt16BE(bytes, 10);
  return command;
}

const header = (response: Buffer, at: number, value: number): Buffer => {
  const changed = Buffer.from(response);
  changed.writeUInt32BE(value, at);
  return changed;
};

test.each<[string, string, Tampering]>([
  [
    'cut in the header',
    'TPM_REPLY_MALFORMED',
    (socket, response) => void socket.end(response.subarray(0, 7)),
  ],
  ['cut in the body', 'TPM_REPLY_MALFORMED', (socket, response) => void socket.end(response.subarray(0, 13))],
  [
    'cut after the header',
    'TPM_REPLY_MALFORMED',
    (socket, response) => void socket.end(response.subarray(0, 10)),
  ],
  ['cut to nothing', 'TPM_UNREACHABLE', (socket) => void socket.end()],
  ['cut by a reset', 'TPM_UNREACHABLE', (socket) => void socket.resetAndDestroy()],
  [
    'one byte too long',
    'TPM_REPLY_MALFORMED',
    (socket, response) => void socket.write(Buffer.concat([response, Buffer.of(0)])),
  ],
  [
    'given twice',
    'TPM_REPLY_MALFORMED',
    (socket, response) => void socket.write(Buffer.concat([response, response])),
  ],
  ['with size 9', 'TPM_REPLY_MALFORMED', (socket, response) => void socket.write(header(response, 2, 9))],
  ['with size 0', 'TPM_REPLY_MALFORMED', (socket, response) => void socket.write(header(response, 2, 0))],
  [
    'with size 4097',
    'TPM_REPLY_MALFORMED',
    (socket, response) => void socket.write(header(response, 2, 4097)),
  ],
  [
    'with size 2^32 - 1',
    'TPM_REPLY_MALFORMED',
    (socket, response) => void socket.write(header(response, 2, 0xffff_ffff)),
  ],
  [
    'with another tag',
    'TPM_REPLY_MALFORMED',
    (socket, response) => void socket.write(header(response, 0, 0)),
  ],
  [
    'of a TPM 1.2',
    'TPM_VERSION_NOT_SUPPORTED',
    (socket) => void socket.write(Buffer.from('00c40000000a0000001e', 'hex')),
  ],
  ['with a flood behind it', 'TPM_REPLY_MALFORMED', (socket) => void socket.write(Buffer.alloc(100_000))],
])('a response %s fails its command, and the next gets its own', async (_, code, tamper) => {
  const transport = open();
  expect((await transport.exchange(askFor(3))).length).toBe(15);
  tampering = async (socket, response) => tamper(socket, response);
  const error = await refusal(async () => transport.exchange(askFor(4)));
  expect(error.code).toBe(code);
  expect(error.message).toContain(transport.description);
  expect((await transport.exchange(askFor(5))).length).toBe(17);
});

test('a response that comes too late goes to nobody', async () => {
  const transport = open();
  const { promise: later, resolve: send } = Promise.withResolvers<void>();
  tampering = async (socket, response) => {
    await later;
    socket.write(response);
  };
  const error = await refusal(async () => transport.exchange(askFor(4), { timeoutMs: 50 }));
  expect(error.code).toBe('TPM_TIMEOUT');
  send();
  for (const bytes of [5, 6, 7]) {
    expect((await transport.exchange(askFor(bytes))).length).toBe(12 + bytes);
  }
});

test('a response that is cut short and then stalls ends with the time', async () => {
  const transport = open();
  tampering = (socket, response) => void socket.write(response.subarray(0, 12));
  const error = await refusal(async () => transport.exchange(askFor(4), { timeoutMs: 50 }));
  expect(error.code).toBe('TPM_TIMEOUT');
  expect((await transport.exchange(askFor(5))).length).toBe(17);
});

test('bytes that nobody asked for cost the connection, not a command', async () => {
  const transport = open();
  let peer: Socket | undefined;
  tampering = (socket, response) => {
    peer = socket;
    socket.write(response);
  };
  await transport.exchange(askFor(4));
  const before = proxy.connections();
  peer?.write(Buffer.from('80010000000a00000000', 'hex'));
  // The bytes have to arrive before the next command goes: what comes after it cannot be told from its response.
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect((await transport.exchange(askFor(5))).length).toBe(17);
  expect(proxy.connections()).toBe(before + 1);
});

test('a response may come in any pieces', async () => {
  const transport = open();
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 32 }),
      fc.array(fc.integer({ min: 1, max: 43 }), { maxLength: 8 }),
      async (bytes, cuts) => {
        tampering = async (socket, response) => {
          const edges = [0, ...cuts.toSorted((one, other) => one - other), response.length];
          for (const [index, edge] of edges.entries()) {
            socket.write(response.subarray(edge, edges[index + 1]));
            await nextTurn();
          }
        };
        const response = Buffer.from(await transport.exchange(askFor(bytes)));
        expect(response.length).toBe(12 + bytes);
        expect(response.readUInt16BE(10)).toBe(bytes);
      },
    ),
    { numRuns: 200 },
  );
});

test('whatever a peer sends is a whole response or a typed refusal', async () => {
  let reply = Buffer.alloc(0);
  const peer = await startPeer((socket) => void socket.end(reply));
  onTestFinished(async () => peer.stop());
  const transport = createSwtpmTransport(peer.endpoint);
  onTestFinished(async () => transport.close());
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc
      .tuple(fc.constantFrom(0x8001, 0x8002, 0x00c4), fc.integer({ min: 0, max: 40 }), fc.uint8Array())
      .map(([tag, size, rest]) => {
        const start = Buffer.alloc(6);
        start.writeUInt16BE(tag);
        start.writeUInt32BE(size, 2);
        return Buffer.concat([start, rest]);
      }),
  );
  await fc.assert(
    fc.asyncProperty(anything, async (bytes) => {
      reply = Buffer.from(bytes);
      const sound =
        reply.length >= 10 &&
        [0x8001, 0x8002].includes(reply.readUInt16BE()) &&
        reply.readUInt32BE(2) === reply.length;
      if (sound) {
        expect(Buffer.from(await transport.exchange(getRandomCommand))).toEqual(reply);
        return;
      }
      const error = await refusal(async () => transport.exchange(getRandomCommand));
      expect(['TPM_REPLY_MALFORMED', 'TPM_UNREACHABLE', 'TPM_VERSION_NOT_SUPPORTED']).toContain(error.code);
    }),
    { numRuns: 300 },
  );
});
