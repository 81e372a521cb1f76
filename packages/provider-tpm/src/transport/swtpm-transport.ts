import { headerLength, responseLength } from './message-frame.ts';
import { ReconnectingTransport, type TpmConnection } from './reconnecting-transport.ts';
import { formatEndpoint, SocketConnection, type SocketEndpoint } from './socket-connection.ts';
import type { TpmTransport } from './tpm-transport.ts';

/**
 * swtpm, or whatever else takes bare TPM commands and gives bare responses over a stream. swtpm serves one client at a
 * time: a second one connects, and waits for an answer until the first has left.
 */
export function createSwtpmTransport(endpoint: SocketEndpoint): TpmTransport {
  const description = `swtpm at ${formatEndpoint(endpoint)}`;
  return new ReconnectingTransport(
    description,
    async (limit) =>
      new SwtpmConnection(await SocketConnection.open(endpoint, description, limit), description),
  );
}

class SwtpmConnection implements TpmConnection {
  readonly #socket: SocketConnection;
  readonly #description: string;

  constructor(socket: SocketConnection, description: string) {
    this.#socket = socket;
    this.#description = description;
  }

  get usable(): boolean {
    return this.#socket.usable;
  }

  async exchange(command: Uint8Array): Promise<Uint8Array> {
    this.#socket.write(command);
    const header = await this.#socket.read(headerLength);
    const length = responseLength(header, this.#description);
    const response = new Uint8Array(length);
    response.set(header);
    response.set(await this.#socket.read(length - headerLength), headerLength);
    this.#socket.checkDrained();
    return response;
  }

  async abandon(): Promise<void> {
    this.#socket.end();
  }

  async end(): Promise<void> {
    this.#socket.end();
  }
}
