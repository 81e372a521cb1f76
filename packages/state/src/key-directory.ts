import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CountersignError } from '@countersign/core';
import { createFileExclusive, removeFileDurably, writeFileAtomic } from './atomic-file.ts';
import { removeLeftovers } from './leftovers.ts';
import { withLock } from './lock.ts';
import { ensurePrivateDirectory } from './private-directory.ts';
import { readFileIfExists } from './read-file.ts';

/**
 * A directory with one file for each key, named by an id of 32 hex digits, and beside it the key's certificate. Any
 * number of processes may use it at once. Whatever a method resolved with has reached stable storage.
 */
export class KeyDirectory {
  /** Absolute. */
  readonly path: string;
  readonly #extension: string;
  readonly #fileName: RegExp;

  private constructor(path: string, extension: string) {
    this.path = path;
    this.#extension = extension;
    this.#fileName = new RegExp(`^(?<id>[0-9a-f]{32})${extension.replaceAll('.', String.raw`\.`)}$`);
  }

  /**
   * Opens a directory, or makes it for this user alone.
   * @param extension of the key files, such as `.key.json`
   * @throws CountersignError `STATE_DAMAGED`, `FILE_UNWRITABLE`
   */
  static async open(path: string, extension: string): Promise<KeyDirectory> {
    const directory = resolve(path);
    await ensurePrivateDirectory(directory);
    await removeLeftovers(directory);
    return new KeyDirectory(directory, extension);
  }

  /** @throws CountersignError `STATE_EXISTS` if there is a key with this id */
  async add(id: string, file: Uint8Array | string): Promise<void> {
    await createFileExclusive(this.pathOf(id), file);
  }

  async read(id: string): Promise<Uint8Array | undefined> {
    return readFileIfExists(this.pathOf(id), { maxBytes: maxFileBytes });
  }

  /** In ascending order. */
  async ids(): Promise<readonly string[]> {
    const names = (await this.#names()).toSorted();
    return names.flatMap((name) => this.#fileName.exec(name)?.groups?.['id'] ?? []);
  }

  /** @throws CountersignError `KEY_NOT_FOUND`, `STATE_LOCKED` if something other than `before` stands there by now */
  async replace(id: string, before: Uint8Array, after: Uint8Array | string): Promise<void> {
    await this.#exclusively(async () => {
      const found = await this.read(id);
      if (found === undefined) throw keyGone(id);
      if (Buffer.compare(found, before) !== 0) throw keyChangedMeanwhile(id);
      await writeFileAtomic(this.pathOf(id), after);
    });
  }

  /** Removes a key and the certificate beside it. @throws CountersignError `KEY_NOT_FOUND` if someone was first */
  async remove(id: string): Promise<void> {
    await this.#exclusively(async () => {
      if ((await this.read(id)) === undefined) throw keyGone(id);
      // The certificate goes first: a crash in between leaves a key without a certificate, which can be destroyed
      // again, not a certificate without a key.
      await removeFileDurably(this.#certificatePath(id));
      await removeFileDurably(this.pathOf(id));
    });
  }

  /** @param certificate DER */
  async putCertificate(id: string, certificate: Uint8Array): Promise<void> {
    await this.#exclusively(async () => {
      if ((await this.read(id)) === undefined) throw keyGone(id);
      await writeFileAtomic(this.#certificatePath(id), certificate);
    });
  }

  async findCertificate(id: string): Promise<Uint8Array | undefined> {
    return readFileIfExists(this.#certificatePath(id), { maxBytes: maxFileBytes });
  }

  async removeCertificate(id: string): Promise<void> {
    await this.#exclusively(async () => removeFileDurably(this.#certificatePath(id)));
  }

  pathOf(id: string): string {
    return join(this.path, `${id}${this.#extension}`);
  }

  async #names(): Promise<readonly string[]> {
    try {
      return await readdir(this.path);
    } catch (cause) {
      throw new CountersignError(
        'FILE_UNREADABLE',
        `the key store ${this.path} cannot be listed`,
        'Check that the directory exists and who owns it.',
        { cause },
      );
    }
  }

  async #exclusively(work: () => Promise<void>): Promise<void> {
    await withLock(join(this.path, 'store.lock'), work);
  }

  #certificatePath(id: string): string {
    return join(this.path, `${id}.certificate.der`);
  }
}

export function keyGone(id: string): CountersignError {
  return new CountersignError(
    'KEY_NOT_FOUND',
    `the key ${id} is no longer in its store`,
    'It was destroyed. List the keys, or make a new one.',
  );
}

export function keyChangedMeanwhile(id: string): CountersignError {
  return new CountersignError(
    'STATE_LOCKED',
    `the key ${id} was changed by someone else at the same time`,
    'Nothing was changed here. Try again, with the PIN that now holds.',
  );
}

/** Far above the largest key (RSA 4096) or certificate that is kept here. */
const maxFileBytes = 128 * 1024;
