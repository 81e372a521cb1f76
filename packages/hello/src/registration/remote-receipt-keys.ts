import { CountersignError } from '@countersign/core';
import { errors, type CompactVerifyGetKey } from 'jose';
import type { TokenKeys } from '../tokens/index.ts';
import { RegistrationClient, type RegistrationClientOptions } from './registration-client.ts';

export interface RemoteReceiptKeysOptions extends RegistrationClientOptions {
  /** How long keys are used before the service is asked again; five minutes if absent. */
  readonly maxAgeMs?: number;
  /** How soon the service is asked again for a key that it did not have; 30 seconds if absent. */
  readonly cooldownMs?: number;
  readonly clock?: () => Date;
}

/**
 * The keys of a registration service, fetched when they are needed. A service that cannot be reached is an error once the
 * keys are too old: a receipt that cannot be verified counts for nothing.
 */
export class RemoteReceiptKeys {
  readonly #client: RegistrationClient;
  readonly #maxAgeMs: number;
  readonly #cooldownMs: number;
  readonly #clock: () => Date;
  #fetched: { readonly keys: TokenKeys; readonly at: Date } | undefined;
  #fetching: Promise<TokenKeys> | undefined;

  constructor(options: RemoteReceiptKeysOptions) {
    this.#client = new RegistrationClient(options);
    this.#maxAgeMs = options.maxAgeMs ?? 5 * 60_000;
    this.#cooldownMs = options.cooldownMs ?? 30_000;
    this.#clock = options.clock ?? (() => new Date());
  }

  /**
   * Asks the service for its keys now: what an RA does to know that it can reach the service.
   * @throws CountersignError `SERVICE_UNREACHABLE`, also for an answer that is none
   */
  async refresh(): Promise<void> {
    await this.#fetch();
  }

  /** Finds the key that a receipt names; throws as `refresh` does, and jose's errors. */
  readonly find: CompactVerifyGetKey = async (header, token) => {
    const keys =
      this.#ageMs() <= this.#maxAgeMs && this.#fetched !== undefined
        ? this.#fetched.keys
        : await this.#fetch();
    try {
      return await keys(header, token);
    } catch (error) {
      // A key that the service began to use since.
      if (!(error instanceof errors.JWKSNoMatchingKey) || this.#ageMs() < this.#cooldownMs) throw error;
      return (await this.#fetch())(header, token);
    }
  };

  #ageMs(): number {
    return this.#fetched === undefined ? Infinity : this.#clock().getTime() - this.#fetched.at.getTime();
  }

  /** Receipts that arrive together wait for one answer. */
  async #fetch(): Promise<TokenKeys> {
    this.#fetching ??= this.#ask().finally(() => {
      this.#fetching = undefined;
    });
    const keys = await this.#fetching;
    this.#fetched = { keys, at: this.#clock() };
    return keys;
  }

  /** Whatever is wrong with the answer is not the fault of who handed a receipt in. */
  async #ask(): Promise<TokenKeys> {
    try {
      return await this.#client.receiptKeys();
    } catch (cause) {
      if (!(cause instanceof CountersignError)) throw cause;
      throw new CountersignError(
        'SERVICE_UNREACHABLE',
        `the keys that key receipts are verified with cannot be had: ${cause.message}`,
        cause.hint,
        { cause },
      );
    }
  }
}
