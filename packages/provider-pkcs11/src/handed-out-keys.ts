import type { Pkcs11Key } from './pkcs11-key.ts';
import type { FoundKey } from './key-objects.ts';

/** The key objects that callers got, held weakly: closing the provider reaches every one that is in use. */
export class HandedOutKeys {
  readonly #references = new Set<WeakRef<Pkcs11Key>>();
  readonly #collected = new FinalizationRegistry<WeakRef<Pkcs11Key>>((reference) => {
    this.#references.delete(reference);
  });

  add(key: Pkcs11Key): void {
    const reference = new WeakRef(key);
    this.#references.add(reference);
    this.#collected.register(key, reference);
  }

  revokeAll(): void {
    for (const reference of this.#references) reference.deref()?.revoke('closed');
    this.#references.clear();
  }

  revokeDestroyed(destroyed: FoundKey): void {
    for (const reference of this.#references) {
      const key = reference.deref();
      if (key?.found.id.equals(destroyed.id) === true && key.found.publicKey.equals(destroyed.publicKey)) {
        key.revoke('destroyed');
      }
    }
  }
}
