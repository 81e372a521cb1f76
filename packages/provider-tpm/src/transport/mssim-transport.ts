import { unlessAborted } from './exchange-limit.ts';
import { headerLength, maxMessageLength, wholeResponse } from './message-frame.ts';
import {
  readAcknowledgement,
  readUint32,
  signalPlatform,
  simulatorCommand,
  uint32,
} from './mssim-protocol.ts';
import type { SimulatorSignal } from './mssim-protocol.ts';
import { ReconnectingTransport, type TpmConnection } from './reconnecting-transport.ts';
import { formatEndpoint, SocketConnection, type SocketEndpoint } from './socket-connection.ts';
import { malformedReply } from './transport-errors.ts';
import type { TpmTransport } from './tpm-transport.ts';

export interface MssimOptions {
  /** Where the commands go. */
  readonly command: SocketEndpoint;
  /** Where power is switched; with the simulator's own settings, the port after that of the commands. */
  readonly platform: SocketEndpoint;
  /** Default 0. */
  readonly locality?: number;
}

/**
 * The TPM 2.0 reference simulator. Each connection first switches power and NV memory on, which does nothing to a
 * simulator that has both; a TPM that was off then wants TPM2_Startup.
 */
export function createMssimTransport(options: MssimOptions): TpmTransport {
  const description = `the TPM simulator at ${formatEndpoint(options.command)}`;
  return new ReconnectingTransport(description, async (limit) => {
    await signalSimulator(options.platform, ['powerOn', 'nvOn'], limit);
    const socket = await SocketConnection.open(options.command, description, limit);
    return new MssimConnection(socket, description, options.locality ?? 0);
  });
}

/** Sends signals to the platform port: power, NV memory, and the cancelling of commands. */
export async function signalSimulator(
  platform: SocketEndpoint,
  signals: readonly SimulatorSignal[],
  limit: AbortSignal,
): Promise<void> {
  const description = `the platform port of the TPM simulator at ${formatEndpoint(platform)}`;
  const socket = await SocketConnection.open(platform, description, limit);
  try {
    for (const signal of signals) await unlessAborted(signalPlatform(socket, description, signal), limit);
  } catch (error) {
    socket.end();
    throw error;
  }
  socket.end(uint32(simulatorCommand.sessionEnd));
}

class MssimConnection implements TpmConnection {
  readonly #socket: SocketConnection;
  readonly #description: string;
  readonly #locality: number;

  constructor(socket: SocketConnection, description: string, locality: number) {
    this.#socket = socket;
    this.#description = description;
    this.#locality = locality;
  }

  get usable(): boolean {
    return this.#socket.usable;
  }

  async exchange(command: Uint8Array): Promise<Uint8Array> {
    this.#socket.write(
      uint32(simulatorCommand.sendCommand),
      Uint8Array.of(this.#locality),
      uint32(command.length),
      command,
    );
    const length = await readUint32(this.#socket);
    if (length < headerLength || length > maxMessageLength) {
      throw malformedReply(
        this.#description,
        `its length is ${length}, and ${headerLength} to ${maxMessageLength} are possible`,
      );
    }
    const response = wholeResponse(await this.#socket.read(length), this.#description);
    await readAcknowledgement(this.#socket, this.#description);
    return response;
  }

  async abandon(): Promise<void> {
    this.#socket.end();
  }

  async end(): Promise<void> {
    this.#socket.end(uint32(simulatorCommand.sessionEnd));
  }
}
