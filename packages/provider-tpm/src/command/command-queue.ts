import { setTimeout as delay } from 'node:timers/promises';
import type { CountersignError } from '@countersign/core';
import { cancelled, closedTransport } from '../transport/transport-errors.ts';
import { defaultTimeoutMs, type ExchangeOptions, type TpmTransport } from '../transport/tpm-transport.ts';
import { responseCodeOf, wantsRetry } from './response-code.ts';

/** How a command is repeated that the TPM says it could not start. */
export interface RetryOptions {
  /** How often a command is sent at most; default 20. */
  readonly attempts?: number;
  /** The wait before the second attempt, doubled before each later one; default 1. */
  readonly firstDelayMs?: number;
  /** Default 1000. */
  readonly maxDelayMs?: number;
}

/**
 * Has commands wait for each other, first come, first served, and repeats those that the TPM did not start:
 * TPM_RC_RETRY, TPM_RC_YIELDED, TPM_RC_TESTING and TPM_RC_NV_RATE (TPM 2.0 part 2, 6.6.3). A command refused so has
 * changed nothing, session nonces included, and is sent again as it was.
 */
export class TpmCommandQueue {
  readonly #transport: TpmTransport;
  readonly #retry: Required<RetryOptions>;
  readonly #waiting: (() => void)[] = [];
  readonly #stop = new AbortController();
  #occupied = false;

  constructor(transport: TpmTransport, retry: RetryOptions = {}) {
    this.#transport = transport;
    this.#retry = { attempts: 20, firstDelayMs: 1, maxDelayMs: 1000, ...retry };
  }

  get description(): string {
    return this.#transport.description;
  }

  /** As `TpmTransport.connectionLost`. */
  get connectionLost(): boolean {
    return this.#transport.connectionLost === true;
  }

  /**
   * @param command must stay as it is until the promise settles.
   * @param options `timeoutMs` counts from the command's turn and covers its repetitions; `signal` also ends the wait.
   * @returns the response, whatever its code: when attempts or time run out also one that asks for another attempt.
   * @throws CountersignError as `TpmTransport.exchange`.
   */
  async exchange(command: Uint8Array, options: ExchangeOptions = {}): Promise<Uint8Array> {
    await this.#turn(options.signal);
    try {
      return await this.#attempt(command, options);
    } finally {
      this.#passOn();
    }
  }

  /** After a response that cannot have been one to its command: the next goes over a new connection. */
  distrust(): void {
    this.#transport.reconnect?.();
  }

  /** Ends the command under way and those that wait with `PROVIDER_CLOSED`, and closes the transport. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#transport.close();
  }

  async #attempt(command: Uint8Array, options: ExchangeOptions): Promise<Uint8Array> {
    const { timeoutMs = defaultTimeoutMs, signal } = options;
    const deadline = performance.now() + timeoutMs;
    let delayMs = this.#retry.firstDelayMs;
    let leftMs = timeoutMs;
    for (let attempt = 1; ; attempt += 1) {
      const response = await this.#transport.exchange(command, { ...options, timeoutMs: leftMs });
      if (attempt >= this.#retry.attempts || !wantsRetry(responseCodeOf(response))) return response;
      leftMs = Math.floor(deadline - performance.now() - delayMs);
      if (leftMs <= 0) return response;
      await this.#pause(delayMs, signal);
      delayMs = Math.min(2 * delayMs, this.#retry.maxDelayMs);
    }
  }

  async #pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
    const either = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
    try {
      await delay(delayMs, undefined, { signal: either });
    } catch {
      throw this.#ended(signal);
    }
  }

  async #turn(signal: AbortSignal | undefined): Promise<void> {
    if (this.#stop.signal.aborted || signal?.aborted === true) throw this.#ended(signal);
    if (!this.#occupied) {
      this.#occupied = true;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const giveUp = () => {
      const place = this.#waiting.indexOf(resolve);
      if (place >= 0) this.#waiting.splice(place, 1);
      reject(this.#ended(signal));
    };
    this.#waiting.push(resolve);
    signal?.addEventListener('abort', giveUp);
    this.#stop.signal.addEventListener('abort', giveUp);
    try {
      await promise;
    } finally {
      signal?.removeEventListener('abort', giveUp);
      this.#stop.signal.removeEventListener('abort', giveUp);
    }
  }

  #passOn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#occupied = false;
    else next();
  }

  #ended(signal: AbortSignal | undefined): CountersignError {
    return this.#stop.signal.aborted
      ? closedTransport(this.description)
      : cancelled(this.description, signal?.reason);
  }
}
