import {
  isPinProtected,
  type Key,
  type KeyAlgorithm,
  type KeyProvider,
  type KeySpec,
  type PinProtected,
} from '@countersign/core';
import type { ConformanceTarget } from './conformance-target.ts';
import { NotSupported, Skipped } from './deviation.ts';
import type { SharedKeys } from './shared-keys.ts';
import type { SharedProvider } from './shared-provider.ts';

/** What a case works with: the provider that all cases share, and keys and providers that end with the case. */
export class CaseContext {
  readonly target: ConformanceTarget;
  readonly keys: SharedKeys;
  readonly signal: AbortSignal | undefined;
  readonly #shared: SharedProvider;
  readonly #made: { readonly ref: string; readonly provider: KeyProvider }[] = [];
  readonly #opened: KeyProvider[] = [];

  constructor(
    target: ConformanceTarget,
    shared: SharedProvider,
    keys: SharedKeys,
    signal: AbortSignal | undefined,
  ) {
    this.target = target;
    this.#shared = shared;
    this.keys = keys;
    this.signal = signal;
  }

  /** The one that all cases share. Of no use after `open` where the device takes one at a time. */
  get provider(): KeyProvider {
    return this.#shared.provider;
  }

  /** A copy of the right PIN, of which nothing is left to be wiped by the case. */
  get pin(): Uint8Array {
    return this.#copy(this.target.pin, 'a PIN');
  }

  get wrongPin(): Uint8Array {
    return this.#copy(this.target.wrongPin, 'a wrong PIN');
  }

  get otherPin(): Uint8Array {
    return this.#copy(this.target.otherPin, 'another PIN to change to');
  }

  /** The algorithm that costs least. */
  get algorithm(): KeyAlgorithm {
    return this.keys.cheapest;
  }

  /** A key of this case alone. Made with the right PIN where the target has one. */
  async make(spec: Partial<KeySpec> = {}, provider: KeyProvider = this.provider): Promise<Key> {
    const pin = this.target.pin === undefined ? {} : { pin: this.pin };
    const key = await provider.generate({ algorithm: this.algorithm, label: 'conformance', ...pin, ...spec });
    this.forget(key.ref, provider);
    return key;
  }

  /** Has a key destroyed when the case ends. */
  forget(ref: string, provider: KeyProvider = this.provider): void {
    this.#made.push({ ref, provider });
  }

  async makeProtected(spec: Partial<KeySpec> = {}, provider = this.provider): Promise<Key & PinProtected> {
    if (this.target.pin === undefined) throw new NotSupported('the target has no PIN');
    return asProtected(await this.make(spec, provider));
  }

  /** A provider of this case alone, closed when the case ends. */
  async open(): Promise<KeyProvider> {
    if (this.target.exclusive === true && this.#opened.length > 0) {
      throw new NotSupported('the target takes one provider at a time');
    }
    await this.#shared.stepAside();
    const provider = await this.target.open();
    this.#opened.push(provider);
    return provider;
  }

  /** Closes a provider that the case opened, before the case ends. */
  async shut(provider: KeyProvider): Promise<void> {
    await provider.close();
    this.#opened.splice(this.#opened.indexOf(provider), 1);
  }

  /** Another provider that sees the same keys. */
  async openSame(): Promise<KeyProvider> {
    if (!this.target.keepsKeys) throw new NotSupported('keys end with the provider that made them');
    return this.open();
  }

  /** Unlocks a key with the right PIN, if it has one. */
  async unlock(key: Key): Promise<void> {
    if (isPinProtected(key)) await key.unlock(this.pin);
  }

  /** @throws Skipped unless keys may be destroyed */
  needsDestroying(): void {
    if (this.target.allowDestructive === false)
      throw new Skipped('the target does not allow destroying keys');
  }

  /** @throws Skipped if a wrong PIN could be the last one */
  async needsTries(key: PinProtected, tries: number): Promise<void> {
    if (this.target.tries === 'unlimited') return;
    const left = await key.retriesLeft();
    const wanted = this.target.tries === 'least' ? 2 : tries + 1;
    if (left < wanted)
      throw new Skipped(`only ${left} tries of the PIN are left, ${tries} wrong ones are needed`);
  }

  /** Destroys what the case made, so that the next one finds the store as this one did. @returns what stayed */
  async end(): Promise<readonly string[]> {
    const own = this.#made.map(({ ref, provider }) => ({ ref, isShared: provider === this.provider }));
    for (const provider of this.#opened) await provider.close();
    if (await this.#shared.stepBack()) await this.keys.reopen();
    if (this.target.allowDestructive === false) return own.map(({ ref }) => ref);
    const left: string[] = [];
    if (own.length > 0) await this.keys.assureUse();
    for (const { ref, isShared } of own.toReversed()) {
      // Keys of a provider that keeps none went with it.
      if ((isShared || this.target.keepsKeys) && !(await this.keys.destroyed(ref))) left.push(ref);
    }
    return left;
  }

  #copy(pin: Uint8Array | undefined, what: string): Uint8Array {
    if (pin === undefined) throw new Skipped(`the target gives no ${what.replace(/^an? /, '')}`);
    return Uint8Array.from(pin);
  }
}

/** @throws NotSupported if the key has no PIN */
export function asProtected(key: Key): Key & PinProtected {
  if (isPinProtected(key)) return key;
  throw new NotSupported('keys made with a PIN are not PinProtected');
}
