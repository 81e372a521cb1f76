import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CountersignError } from '@countersign/core';
import {
  createFileExclusive,
  ensurePrivateDirectory,
  readFileIfExists,
  removeFileDurably,
  removeLeftovers,
  withLock,
  writeFileAtomic,
} from '@countersign/state';
import { keyChangedMeanwhile, keyGone, type KeyStore } from './key-store.ts';
import { encodeSealedKey, parseSealedKey } from './sealed-key-file.ts';
import type { SealedKey, StoredKey } from './stored-key.ts';

/**
 * Sealed keys in a directory, one file each, with certificates beside them; any number of processes may use it at once.
 * Whatever a method resolved with has reached stable storage.
 */
export class DirectoryStore implements KeyStore {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async open(path: string): Promise<DirectoryStore> {
    const directory = resolve(path);
    await ensurePrivateDirectory(directory);
    await removeLeftovers(directory);
    return new DirectoryStore(directory);
  }

  async add(key: StoredKey): Promise<void> {
    if (key.protection !== 'pin') {
      throw new CountersignError(
        'PIN_REQUIRED',
        'a key that is kept in a directory is sealed under a PIN, and none was given',
        'Give a PIN, or use a provider without a store directory.',
      );
    }
    await createFileExclusive(this.#keyPath(key.id), encodeSealedKey(key));
  }

  async find(id: string): Promise<SealedKey | undefined> {
    const path = this.#keyPath(id);
    const bytes = await readFileIfExists(path, { maxBytes: maxFileBytes });
    return bytes === undefined ? undefined : parseSealedKey(bytes, id, path);
  }

  async list(): Promise<readonly SealedKey[]> {
    const found: SealedKey[] = [];
    for (const name of (await this.#names()).toSorted()) {
      const id = keyFileName.exec(name)?.groups?.['id'];
      const key = id === undefined ? undefined : await this.find(id);
      if (key !== undefined) found.push(key);
    }
    return found;
  }

  async replace(before: SealedKey, after: SealedKey): Promise<void> {
    await this.#exclusively(async () => {
      const found = await readFileIfExists(this.#keyPath(before.id), { maxBytes: maxFileBytes });
      if (found === undefined) throw keyGone(before.id);
      if (Buffer.compare(found, encodeSealedKey(before)) !== 0) throw keyChangedMeanwhile(before.id);
      await writeFileAtomic(this.#keyPath(after.id), encodeSealedKey(after));
    });
  }

  async remove(id: string): Promise<void> {
    await this.#exclusively(async () => {
      const found = await readFileIfExists(this.#keyPath(id), { maxBytes: maxFileBytes });
      if (found === undefined) throw keyGone(id);
      // The certificate goes first: a crash in between leaves a key without a certificate, which can be destroyed
      // again, not a certificate without a key.
      await removeFileDurably(this.#certificatePath(id));
      await removeFileDurably(this.#keyPath(id));
    });
  }

  async putCertificate(id: string, certificate: Uint8Array): Promise<void> {
    await this.#exclusively(async () => {
      if ((await this.find(id)) === undefined) throw keyGone(id);
      await writeFileAtomic(this.#certificatePath(id), certificate);
    });
  }

  async findCertificate(id: string): Promise<Uint8Array | undefined> {
    return readFileIfExists(this.#certificatePath(id), { maxBytes: maxFileBytes });
  }

  async removeCertificate(id: string): Promise<void> {
    await this.#exclusively(async () => removeFileDurably(this.#certificatePath(id)));
  }

  close(): void {
    // Nothing is held between calls.
  }

  async #names(): Promise<readonly string[]> {
    try {
      return await readdir(this.directory);
    } catch (cause) {
      throw new CountersignError(
        'FILE_UNREADABLE',
        `the key store ${this.directory} cannot be listed`,
        'Check that the directory exists and who owns it.',
        { cause },
      );
    }
  }

  async #exclusively(work: () => Promise<void>): Promise<void> {
    await withLock(join(this.directory, 'store.lock'), work);
  }

  #keyPath(id: string): string {
    return join(this.directory, `${id}.key.json`);
  }

  #certificatePath(id: string): string {
    return join(this.directory, `${id}.certificate.der`);
  }
}

const keyFileName = /^(?<id>[0-9a-f]{32})\.key\.json$/;

/** Far above the largest key (RSA 4096) or certificate that is kept here. */
const maxFileBytes = 128 * 1024;
