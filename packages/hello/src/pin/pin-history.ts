import { CountersignError } from '@countersign/core';
import {
  defaultCost,
  isRemembered,
  PinHistoryFile,
  rememberedPin,
  type HistoryCost,
  type PinHistoryContents,
  type RememberedPin,
} from './pin-history-file.ts';
import type { PinPolicy } from './pin-policy.ts';

/**
 * Which PINs a user had, and since when the present one is: for the policies History and Expiration. Each is kept as a
 * salted scrypt hash. A PIN reset forgets them all.
 */
export class PinHistory {
  readonly #file: PinHistoryFile;
  readonly #cost: HistoryCost;

  /** @param directory made if missing, readable by its owner alone */
  constructor(directory: string, cost: HistoryCost = defaultCost) {
    this.#file = new PinHistoryFile(directory);
    this.#cost = cost;
  }

  /** @throws CountersignError `PIN_INVALID` if it is one of those that may not come again */
  async assertNotUsed(pin: Uint8Array, { history }: Pick<PinPolicy, 'history'>): Promise<void> {
    if (history === 0) return;
    const { pins } = await this.#file.read();
    for (const each of pins.slice(0, history)) {
      if (!(await isRemembered(pin, each))) continue;
      throw new CountersignError(
        'PIN_INVALID',
        `the PIN is one of the last ${history} that were in use`,
        'Choose another.',
      );
    }
  }

  /** Notes the PIN that is in use from now on, and forgets those that the policy does not ask about. */
  async remember(pin: Uint8Array, at: Date, policy: Pick<PinPolicy, 'history'>): Promise<void> {
    const present = await rememberedPin(pin, at, this.#cost);
    await this.#file.change(({ pins }) => withPresent(present, pins, policy));
  }

  /**
   * Notes that this PIN is about to be set. Until `settle` it is not among those that were in use: whoever is cut off in
   * between may find the PIN before it in force.
   */
  async announce(pin: Uint8Array, at: Date): Promise<void> {
    const announced = await rememberedPin(pin, at, this.#cost);
    await this.#file.change(({ pins }) => ({ pins, announced }));
  }

  /** Whether a change to this PIN was begun of which it is not known whether it was made. */
  async isAnnounced(pin: Uint8Array): Promise<boolean> {
    const { announced } = await this.#file.read();
    return announced !== undefined && (await isRemembered(pin, announced));
  }

  /**
   * Says how a change ended that was announced, as the PIN which holds tells: the new one is the present one from the time
   * at which it was announced, or it is forgotten. Does nothing if none was announced.
   * @param pin one that just opened the key
   */
  async settle(pin: Uint8Array, policy: Pick<PinPolicy, 'history'>): Promise<void> {
    const { announced } = await this.#file.read();
    if (announced === undefined) return;
    const holds = await isRemembered(pin, announced);
    await this.#file.change((contents) => {
      // Somebody else settled it meanwhile.
      if (contents.announced === undefined || !isSame(contents.announced, announced)) return contents;
      return holds
        ? withPresent(announced, contents.pins, policy)
        : { pins: contents.pins, announced: undefined };
    });
  }

  /** @returns since when the present PIN is; undefined if none is known */
  async presentSince(): Promise<Date | undefined> {
    return (await this.#file.read()).pins[0]?.since;
  }

  /** @returns when the present PIN has to be changed; undefined if never, or if none is known */
  async expiresAt({ expirationDays }: Pick<PinPolicy, 'expirationDays'>): Promise<Date | undefined> {
    const since = await this.presentSince();
    if (since === undefined || expirationDays === 0) return undefined;
    return new Date(since.getTime() + expirationDays * 86_400_000);
  }

  /** As a PIN reset does. */
  async forget(): Promise<void> {
    await this.#file.remove();
  }
}

function withPresent(
  present: RememberedPin,
  earlier: readonly RememberedPin[],
  { history }: Pick<PinPolicy, 'history'>,
): PinHistoryContents {
  return { pins: [present, ...earlier].slice(0, Math.max(1, history)), announced: undefined };
}

function isSame(one: RememberedPin, other: RememberedPin): boolean {
  return Buffer.compare(one.salt, other.salt) === 0;
}
