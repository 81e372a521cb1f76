import { checkCommand } from './message-frame.ts';
import { unlessAborted, withinLimit } from './exchange-limit.ts';
import { closedTransport, commandUnderWay } from './transport-errors.ts';
import type { ExchangeOptions, TpmTransport } from './tpm-transport.ts';

/** One connection to a TPM. Once an exchange has failed it is spent. */
export interface TpmConnection {
  /** False if the peer has gone, or has sent what nobody asked for. */
  readonly usable: boolean;
  /** Rejects with a CountersignError. */
  exchange(command: Uint8Array): Promise<Uint8Array>;
  /** Ends the connection without waiting; resolves, and never rejects, when nothing of it is left. */
  abandon(): Promise<void>;
  /** Takes leave of the peer where the protocol knows how, then as `abandon`. */
  end(): Promise<void>;
}

/**
 * Makes a connection for the first command and a new one after each failure.
 * `connect` must give up, leaving nothing behind, when its signal aborts, with the signal's reason.
 */
export class ReconnectingTransport implements TpmTransport {
  readonly description: string;
  readonly #connect: (limit: AbortSignal) => Promise<TpmConnection>;
  readonly #stop = new AbortController();
  #connection: TpmConnection | undefined;
  /** Settles when the connection before this one has left nothing behind. */
  #released: Promise<void> = Promise.resolve();
  #underWay: Promise<Uint8Array> | undefined;

  constructor(description: string, connect: (limit: AbortSignal) => Promise<TpmConnection>) {
    this.description = description;
    this.#connect = connect;
  }

  get connectionLost(): boolean {
    return this.#connection?.usable === false;
  }

  async exchange(command: Uint8Array, options: ExchangeOptions = {}): Promise<Uint8Array> {
    if (this.#stop.signal.aborted) throw closedTransport(this.description);
    checkCommand(command);
    if (this.#underWay !== undefined) throw commandUnderWay(this.description);
    const work = withinLimit(this.description, options, this.#stop.signal, async (limit) =>
      this.#exchange(command, limit),
    );
    this.#underWay = work;
    try {
      return await work;
    } finally {
      this.#underWay = undefined;
    }
  }

  reconnect(): void {
    if (this.#underWay === undefined) this.#drop();
  }

  async close(): Promise<void> {
    const underWay = this.#underWay;
    this.#stop.abort(closedTransport(this.description));
    if (underWay !== undefined) await Promise.allSettled([underWay]);
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.end();
    await this.#released;
  }

  async #exchange(command: Uint8Array, limit: AbortSignal): Promise<Uint8Array> {
    if (this.#connection?.usable === false) this.#drop();
    await unlessAborted(this.#released, limit);
    this.#connection ??= await this.#connect(limit);
    try {
      return await unlessAborted(this.#connection.exchange(command), limit);
    } catch (error) {
      this.#drop();
      throw error;
    }
  }

  #drop(): void {
    this.#released = this.#connection?.abandon() ?? this.#released;
    this.#connection = undefined;
  }
}
