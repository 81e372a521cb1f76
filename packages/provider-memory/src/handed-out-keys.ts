/** A key object in a caller's hands whose private half can be taken away. */
export interface RevocableHandle {
  readonly id: string;
  revoke(reason: 'closed' | 'destroyed'): void;
}

/**
 * The key objects that callers got. Held weakly: a server that opens keys for years keeps none alive by that, and
 * closing the provider still reaches every one that is in use.
 */
export class HandedOutKeys {
  readonly #references = new Set<WeakRef<RevocableHandle>>();
  readonly #collected = new FinalizationRegistry<WeakRef<RevocableHandle>>((reference) => {
    this.#references.delete(reference);
  });

  add(handle: RevocableHandle): void {
    const reference = new WeakRef(handle);
    this.#references.add(reference);
    this.#collected.register(handle, reference);
  }

  revokeAll(): void {
    for (const reference of this.#references) reference.deref()?.revoke('closed');
    this.#references.clear();
  }

  revokeDestroyed(id: string): void {
    for (const reference of this.#references) {
      const handle = reference.deref();
      if (handle?.id === id) handle.revoke('destroyed');
    }
  }
}
