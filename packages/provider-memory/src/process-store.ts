import { keyChangedMeanwhile, keyGone } from '@countersign/state';
import type { KeyStore } from './key-store.ts';
import type { SealedKey, StoredKey } from './stored-key.ts';

/** Keys that leave nothing at rest and end with the process. */
export class ProcessStore implements KeyStore {
  readonly directory = undefined;
  readonly #keys = new Map<string, StoredKey>();
  readonly #certificates = new Map<string, Uint8Array>();

  async add(key: StoredKey): Promise<void> {
    this.#keys.set(key.id, key);
  }

  async find(id: string): Promise<StoredKey | undefined> {
    return this.#keys.get(id);
  }

  async list(): Promise<readonly StoredKey[]> {
    return [...this.#keys.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  async replace(before: SealedKey, after: SealedKey): Promise<void> {
    const found = this.#keys.get(before.id);
    if (found === undefined) throw keyGone(before.id);
    if (found !== before) throw keyChangedMeanwhile(before.id);
    this.#keys.set(after.id, after);
  }

  async remove(id: string): Promise<void> {
    this.#certificates.delete(id);
    if (!this.#keys.delete(id)) throw keyGone(id);
  }

  async putCertificate(id: string, certificate: Uint8Array): Promise<void> {
    if (!this.#keys.has(id)) throw keyGone(id);
    this.#certificates.set(id, Uint8Array.from(certificate));
  }

  async findCertificate(id: string): Promise<Uint8Array | undefined> {
    const certificate = this.#certificates.get(id);
    return certificate === undefined ? undefined : Uint8Array.from(certificate);
  }

  async removeCertificate(id: string): Promise<void> {
    this.#certificates.delete(id);
  }

  close(): void {
    this.#keys.clear();
    this.#certificates.clear();
  }
}
