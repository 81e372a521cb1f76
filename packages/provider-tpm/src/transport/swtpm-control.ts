import { CountersignError } from '@countersign/core';
import { withinLimit, unlessAborted } from './exchange-limit.ts';
import { formatEndpoint, SocketConnection, type SocketEndpoint } from './socket-connection.ts';
import type { ExchangeOptions } from './tpm-transport.ts';

/** swtpm's control channel (swtpm_ioctls(3)): command number, body, and a response that begins with a result code. */
export interface SwtpmControl {
  /** The capabilities of this swtpm, as bits: CMD_GET_CAPABILITY. */
  capabilities(options?: ExchangeOptions): Promise<number>;
  /** Power cycle; the TPM then wants TPM2_Startup: CMD_INIT. */
  init(options?: ExchangeOptions & { readonly deleteVolatileState?: boolean }): Promise<void>;
  /** Switches the TPM off, leaves swtpm running: CMD_STOP. */
  stop(options?: ExchangeOptions): Promise<void>;
  /** Ends the swtpm process: CMD_SHUTDOWN. */
  shutdown(options?: ExchangeOptions): Promise<void>;
  /**
   * CMD_CANCEL_TPM_CMD. swtpm over sockets (measured: 0.7.1) reads its control channel between commands only: the
   * command under way runs to its end, and this call returns then.
   */
  cancelCommand(options?: ExchangeOptions): Promise<void>;
}

/** Each call makes a connection of its own and leaves, since the control channel too serves one client. */
export function createSwtpmControl(endpoint: SocketEndpoint): SwtpmControl {
  const description = `the control channel of swtpm at ${formatEndpoint(endpoint)}`;
  const send = async (name: ControlCommand, body: Uint8Array, options: ExchangeOptions = {}) =>
    withinLimit(description, options, neverStopped, async (limit) => {
      const socket = await SocketConnection.open(endpoint, description, limit);
      try {
        return await unlessAborted(converse(socket, description, name, body), limit);
      } finally {
        socket.end();
      }
    });
  const nothing = new Uint8Array();
  return {
    async capabilities(options) {
      return uint32Of(await send('CMD_GET_CAPABILITY', nothing, options));
    },
    async init(options) {
      await send('CMD_INIT', uint32(options?.deleteVolatileState === true ? initDeleteVolatile : 0), options);
    },
    async stop(options) {
      await send('CMD_STOP', nothing, options);
    },
    async shutdown(options) {
      await send('CMD_SHUTDOWN', nothing, options);
    },
    async cancelCommand(options) {
      await send('CMD_CANCEL_TPM_CMD', nothing, options);
    },
  };
}

/** Number, and bytes of the response after its result code (swtpm's tpm_ioctl.h). */
const controlCommands = {
  CMD_GET_CAPABILITY: { number: 1, bodyLength: 4 },
  CMD_INIT: { number: 2, bodyLength: 0 },
  CMD_SHUTDOWN: { number: 3, bodyLength: 0 },
  CMD_CANCEL_TPM_CMD: { number: 9, bodyLength: 0 },
  CMD_STOP: { number: 14, bodyLength: 0 },
} as const;
type ControlCommand = keyof typeof controlCommands;

/** PTM_INIT_FLAG_DELETE_VOLATILE. */
const initDeleteVolatile = 1;
const neverStopped = new AbortController().signal;

async function converse(
  socket: SocketConnection,
  description: string,
  name: ControlCommand,
  body: Uint8Array,
): Promise<Uint8Array> {
  const { number, bodyLength } = controlCommands[name];
  socket.write(uint32(number), body);
  const result = uint32Of(await socket.read(4));
  if (result !== 0) {
    throw new CountersignError(
      'TPM_REFUSED',
      `${description} refused ${name} with 0x${result.toString(16)}`,
      'The log of swtpm says why.',
    );
  }
  const answer = await socket.read(bodyLength);
  socket.checkDrained();
  return answer;
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function uint32Of(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
}
