import { CountersignError } from '@countersign/core';
import type { LockoutCount, LockoutRecord } from './lockout-record.ts';

export interface LockoutOptions {
  /** So many wrong PINs lock the store; default 32, as a TPM has it. */
  readonly maxFailures?: number;
  /** One wrong PIN is forgotten after so long; default 600 000 (10 minutes). */
  readonly recoveryTimeMs?: number;
}

/** A PIN try that is already counted as failed. */
export interface PinTry {
  /** Tries that remain if this one fails. */
  readonly triesLeft: number;
  /** Takes the failure back: the PIN was right. */
  succeeded(): Promise<void>;
}

/**
 * Protection against guessing, after a TPM's (TPM 2.0 part 1, 19.8): wrong PINs are counted for the whole store, the
 * count heals with time only, a right PIN does not reset it. Each try is counted, durably, before the PIN is looked at,
 * so neither killing the process nor trying from many at once gains a try.
 */
export class Lockout {
  readonly #record: LockoutRecord;
  readonly #clock: () => Date;
  readonly #maxFailures: number;
  readonly #recoveryTimeMs: number;

  constructor(record: LockoutRecord, clock: () => Date, options: LockoutOptions = {}) {
    this.#record = record;
    this.#clock = clock;
    this.#maxFailures = positiveInteger(options.maxFailures ?? 32, 'lockout.maxFailures');
    this.#recoveryTimeMs = positiveInteger(options.recoveryTimeMs ?? 600_000, 'lockout.recoveryTimeMs');
  }

  /** @throws CountersignError `PIN_LOCKED` if no try is left; `STATE_DAMAGED` if the count cannot be read. */
  async beginTry(): Promise<PinTry> {
    let triesLeft = 0;
    let begunAt = this.#clock();
    await this.#record.update((stored) => {
      begunAt = this.#clock();
      const count = this.#heal(stored, begunAt);
      if (count.failures >= this.#maxFailures) throw this.#locked(count, begunAt);
      triesLeft = this.#maxFailures - count.failures - 1;
      return { failures: count.failures + 1, since: count.since };
    });
    return { triesLeft, succeeded: async () => this.#takeBack(begunAt) };
  }

  async triesLeft(): Promise<number> {
    const count = this.#heal(await this.#record.read(), this.#clock());
    return Math.max(0, this.#maxFailures - count.failures);
  }

  async #takeBack(begunAt: Date): Promise<void> {
    await this.#record.update((stored) => {
      const now = this.#clock();
      const count = this.#heal(stored, now);
      // A try that took so long has been forgotten by time already; to take it back again would forget another one.
      const tookMs = now.getTime() - begunAt.getTime();
      if (tookMs < 0 || tookMs >= this.#recoveryTimeMs) return count;
      return { failures: Math.max(0, count.failures - 1), since: count.since };
    });
  }

  /** Forgets what time has healed. A clock that was set back heals nothing until it has caught up. */
  #heal({ failures, since }: LockoutCount, now: Date): LockoutCount {
    if (failures === 0) return { failures, since: now };
    const healed = Math.floor((now.getTime() - since.getTime()) / this.#recoveryTimeMs);
    if (healed <= 0) return { failures, since };
    if (healed >= failures) return { failures: 0, since: now };
    return { failures: failures - healed, since: new Date(since.getTime() + healed * this.#recoveryTimeMs) };
  }

  #locked({ failures, since }: LockoutCount, now: Date): CountersignError {
    const toForget = failures - this.#maxFailures + 1;
    const possibleAt = new Date(since.getTime() + toForget * this.#recoveryTimeMs);
    const minutes = Math.ceil((possibleAt.getTime() - now.getTime()) / 60_000);
    return new CountersignError(
      'PIN_LOCKED',
      `the key store is locked after ${failures} wrong PINs: the next try is possible at ${possibleAt.toISOString()}, in ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`,
      'Wait until then. Not even the right PIN is accepted before.',
    );
  }
}

export function pinIncorrect(triesLeft: number): CountersignError {
  const left =
    triesLeft === 0
      ? 'no try is left, the key store is now locked'
      : triesLeft === 1
        ? '1 try is left, the last one before the key store locks'
        : `${triesLeft} tries are left`;
  return new CountersignError(
    'PIN_INCORRECT',
    `the PIN is wrong; ${left}`,
    'Type the PIN again with care. Wrong tries are forgotten with time only.',
  );
}

function positiveInteger(value: number, name: string): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= 2 ** 40) return value;
  throw new CountersignError(
    'VALUE_OUT_OF_RANGE',
    `${name} is ${value}, a positive integer was expected`,
    `Leave it out for the default.`,
  );
}
