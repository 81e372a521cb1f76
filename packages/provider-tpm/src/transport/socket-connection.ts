import { connect, type Socket } from 'node:net';
import { CountersignError } from '@countersign/core';
import { maxMessageLength } from './message-frame.ts';
import { deviceBusy, malformedReply, unreachable } from './transport-errors.ts';

export type SocketEndpoint =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** `127.0.0.1:2321`, `[::1]:2321` or the path. */
export function formatEndpoint(endpoint: SocketEndpoint): string {
  if (endpoint.kind === 'unix') return endpoint.path;
  return `${endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`;
}

interface Reader {
  readonly length: number;
  readonly resolve: (bytes: Uint8Array) => void;
  readonly reject: (error: CountersignError) => void;
}

/** A stream of bytes read in pieces of known length. No byte beyond what the reader asks for is ever accepted. */
export class SocketConnection {
  readonly #socket: Socket;
  readonly #description: string;
  #received: Buffer = Buffer.alloc(0);
  #reader: Reader | undefined;
  /** Part of a message was read, and its end was not. */
  #midMessage = false;
  #failure: CountersignError | undefined;

  private constructor(socket: Socket, description: string) {
    this.#socket = socket;
    this.#description = description;
    socket.on('data', (data) => this.#take(data));
    socket.on('error', (error) => this.#fail(unreachable(description, error.message, error)));
    // Node answers the peer's end with its own (allowHalfOpen is off), after which `close` comes too.
    socket.on('end', () => this.#fail(this.#closedByPeer()));
    socket.on('close', () => this.#fail(this.#closedByPeer()));
  }

  /** @throws CountersignError `TPM_UNREACHABLE`, `TPM_NOT_PERMITTED`, or the signal's reason once it aborts. */
  static async open(
    endpoint: SocketEndpoint,
    description: string,
    limit: AbortSignal,
  ): Promise<SocketConnection> {
    const { promise, resolve, reject } = Promise.withResolvers<SocketConnection>();
    const socket =
      endpoint.kind === 'unix'
        ? connect({ path: endpoint.path })
        : connect({ host: endpoint.host, port: endpoint.port, noDelay: true });
    const onAbort = () => reject(limit.reason);
    const onError = (error: NodeJS.ErrnoException) => reject(connectionRefused(description, error));
    socket.once('error', onError);
    socket.once('connect', () => {
      socket.off('error', onError);
      resolve(new SocketConnection(socket, description));
    });
    if (limit.aborted) onAbort();
    else limit.addEventListener('abort', onAbort);
    try {
      return await promise;
    } catch (error) {
      // An error after this says nothing new.
      socket.on('error', () => {});
      socket.destroy();
      throw error;
    } finally {
      limit.removeEventListener('abort', onAbort);
    }
  }

  /** False once the peer has gone, or while bytes lie here that nobody asked for. */
  get usable(): boolean {
    return this.#failure === undefined && this.#received.length === 0;
  }

  write(...parts: readonly Uint8Array[]): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#socket.write(parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts));
  }

  /** @throws CountersignError `TPM_REPLY_MALFORMED` if the peer leaves in mid-message, `TPM_UNREACHABLE` if before. */
  async read(length: number): Promise<Uint8Array> {
    if (this.#received.length >= length) return this.#remove(length);
    if (this.#failure !== undefined) throw this.#failure;
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    this.#reader = { length, resolve, reject };
    return promise;
  }

  /** To be called when the last byte of a message was read. */
  checkDrained(): void {
    this.#midMessage = false;
    if (this.#received.length === 0) return;
    throw malformedReply(this.#description, `${this.#received.length} bytes follow its end`);
  }

  /** Ends the connection, which may have a last message to say so. */
  end(farewell?: Uint8Array): void {
    if (farewell !== undefined && this.usable) {
      this.#socket.write(farewell);
      this.#socket.destroySoon();
    } else {
      this.#socket.destroy();
    }
    this.#fail(unreachable(this.#description, 'the connection was closed'));
  }

  #take(data: Buffer): void {
    this.#received = this.#received.length === 0 ? data : Buffer.concat([this.#received, data]);
    if (this.#reader !== undefined && this.#received.length >= this.#reader.length) {
      const { length, resolve } = this.#reader;
      this.#reader = undefined;
      resolve(this.#remove(length));
    }
    // Nothing that is asked for is longer: a peer that floods is cut off, not stored.
    if (this.#received.length > 2 * maxMessageLength) {
      this.#socket.destroy();
      this.#fail(malformedReply(this.#description, `more than ${2 * maxMessageLength} bytes came unasked`));
    }
  }

  #remove(length: number): Uint8Array {
    const bytes = Uint8Array.from(this.#received.subarray(0, length));
    this.#received = this.#received.subarray(length);
    this.#midMessage = true;
    return bytes;
  }

  #fail(failure: CountersignError): void {
    this.#failure ??= failure;
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.reject(this.#failure);
  }

  #closedByPeer(): CountersignError {
    const found = this.#received.length;
    return this.#reader === undefined || (found === 0 && !this.#midMessage)
      ? unreachable(this.#description, 'the connection was closed')
      : malformedReply(
          this.#description,
          `it was cut short, after ${found} of the next ${this.#reader.length} bytes`,
        );
  }
}

function connectionRefused(description: string, error: NodeJS.ErrnoException): CountersignError {
  switch (error.code) {
    case 'EACCES':
    case 'EPERM':
      return new CountersignError(
        'TPM_NOT_PERMITTED',
        `the socket of ${description} may not be opened by this user`,
        'Give this user read and write permission on the socket, and search permission on its directory.',
        { cause: error },
      );
    // A UNIX socket whose queue of waiting connections is full.
    case 'EAGAIN':
      return deviceBusy(description, 'no further connection is taken', error);
    case undefined:
    default:
      return unreachable(description, error.message, error);
  }
}
