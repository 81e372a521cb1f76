import { CountersignError } from '@countersign/core';
import { KeyDirectory } from '@countersign/state';
import type { KeyStore } from './key-store.ts';
import { encodeSealedKey, parseSealedKey } from './sealed-key-file.ts';
import type { SealedKey, StoredKey } from './stored-key.ts';

/** Sealed keys in a directory, one file each, with certificates beside them. */
export class DirectoryStore implements KeyStore {
  readonly #files: KeyDirectory;

  private constructor(files: KeyDirectory) {
    this.#files = files;
  }

  static async open(path: string): Promise<DirectoryStore> {
    return new DirectoryStore(await KeyDirectory.open(path, '.key.json'));
  }

  get directory(): string {
    return this.#files.path;
  }

  async add(key: StoredKey): Promise<void> {
    if (key.protection !== 'pin') {
      throw new CountersignError(
        'PIN_REQUIRED',
        'a key that is kept in a directory is sealed under a PIN, and none was given',
        'Give a PIN, or use a provider without a store directory.',
      );
    }
    await this.#files.add(key.id, encodeSealedKey(key));
  }

  async find(id: string): Promise<SealedKey | undefined> {
    const bytes = await this.#files.read(id);
    return bytes === undefined ? undefined : parseSealedKey(bytes, id, this.#files.pathOf(id));
  }

  async list(): Promise<readonly SealedKey[]> {
    const found: SealedKey[] = [];
    for (const id of await this.#files.ids()) {
      const key = await this.find(id);
      if (key !== undefined) found.push(key);
    }
    return found;
  }

  async replace(before: SealedKey, after: SealedKey): Promise<void> {
    await this.#files.replace(before.id, encodeSealedKey(before), encodeSealedKey(after));
  }

  async remove(id: string): Promise<void> {
    await this.#files.remove(id);
  }

  async putCertificate(id: string, certificate: Uint8Array): Promise<void> {
    await this.#files.putCertificate(id, certificate);
  }

  async findCertificate(id: string): Promise<Uint8Array | undefined> {
    return this.#files.findCertificate(id);
  }

  async removeCertificate(id: string): Promise<void> {
    await this.#files.removeCertificate(id);
  }

  close(): void {
    // Nothing is held between calls.
  }
}
