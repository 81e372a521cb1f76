import { PinProtectedTpmKey, type TpmKey } from './tpm-key.ts';

/**
 * The key objects that callers got. Held weakly: a server that opens keys for years keeps none alive by that, and
 * closing the provider still reaches every one that is in use.
 */
export class HandedOutKeys {
  readonly #references = new Set<WeakRef<TpmKey>>();
  readonly #collected = new FinalizationRegistry<WeakRef<TpmKey>>((reference) => {
    this.#references.delete(reference);
  });

  add(key: TpmKey): void {
    const reference = new WeakRef(key);
    this.#references.add(reference);
    this.#collected.register(key, reference);
  }

  lock(id: string): void {
    for (const key of this.#alive()) if (key.id === id && key instanceof PinProtectedTpmKey) key.lock();
  }

  revokeDestroyed(id: string): void {
    for (const key of this.#alive()) if (key.id === id) key.revoke('destroyed');
  }

  revokeAll(): void {
    for (const key of this.#alive()) key.revoke('closed');
    this.#references.clear();
  }

  #alive(): readonly TpmKey[] {
    return [...this.#references].flatMap((reference) => reference.deref() ?? []);
  }
}
