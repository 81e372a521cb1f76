import { join, resolve } from 'node:path';
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { CountersignError, type DirectoryUser } from '@countersign/core';
import {
  createFileExclusive,
  ensurePrivateDirectory,
  readFileIfExists,
  removeLeftovers,
  withLock,
  writeFileAtomic,
} from '@countersign/state';
import { formatDirectory, parseDirectory } from './directory-document.ts';
import type { UserIndex } from './user-index.ts';

/** Some 600 000 users with a P-256 key each; what is longer does not fit into one string of V8. */
const maxBytes = 256 * 1024 * 1024;

/** File systems stamp their files with a clock that ticks at 100 Hz or more often. */
const clockTickMs = 20;

/** The file `directory.json` of a folder: reads it again only when it changed, and lets one writer at a time change it. */
export class DirectoryFile {
  readonly #folder: string;
  readonly #path: string;
  #cached: { readonly identity: string; readonly index: Promise<UserIndex> } | undefined;

  constructor(folder: string) {
    this.#folder = resolve(folder);
    this.#path = join(this.#folder, 'directory.json');
  }

  /** @throws CountersignError `STATE_EXISTS` */
  async create(): Promise<void> {
    await ensurePrivateDirectory(this.#folder);
    await createFileExclusive(this.#path, formatDirectory([]), { mode: 0o600 });
  }

  /** Checks that the folder is this user's own, and that the file is there and whole. */
  async open(): Promise<void> {
    await this.#identify();
    await ensurePrivateDirectory(this.#folder);
    await removeLeftovers(this.#folder);
    await this.read();
  }

  /** @throws CountersignError `STATE_MISSING`, `STATE_DAMAGED`, `FILE_UNREADABLE` */
  async read(): Promise<UserIndex> {
    // Asked for before reading, so that the cache is never older than its identity says.
    const identity = await this.#identify();
    if (this.#cached?.identity !== identity) {
      this.#cached = { identity, index: this.#load() };
    }
    const cached = this.#cached;
    try {
      return await cached.index;
    } catch (error) {
      // A failure to read may pass without a change of the file, so it is not kept.
      if (this.#cached === cached) {
        this.#cached = undefined;
      }
      throw error;
    }
  }

  /**
   * Lets `change` decide, upon what the file holds now, what it shall hold; `users` undefined leaves it as it is.
   * What this resolves with is durable.
   */
  async change<Result>(
    change: (index: UserIndex) => {
      readonly users: readonly DirectoryUser[] | undefined;
      readonly result: Result;
    },
  ): Promise<Result> {
    await this.#identify();
    return withLock(join(this.#folder, 'directory.lock'), async () => {
      const { users, result } = change(await this.read());
      if (users !== undefined) {
        await this.#replace(formatDirectory(users));
      }
      return result;
    });
  }

  async #replace(content: string): Promise<void> {
    const { size } = await stat(this.#path);
    if (Buffer.byteLength(content) <= size) await sleep(clockTickMs);
    await writeFileAtomic(this.#path, content, { mode: 0o600 });
  }

  async #load(): Promise<UserIndex> {
    const bytes = await readFileIfExists(this.#path, { maxBytes });
    if (bytes === undefined) {
      throw this.#missing();
    }
    return parseDirectory(bytes, this.#path);
  }

  /**
   * Names the version of the file without reading it. Every change replaces the file and makes it longer, so the length
   * tells apart what a coarse clock and a reused inode would not; a change that does not has waited for the clock.
   */
  async #identify(): Promise<string> {
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = await stat(this.#path, { bigint: true });
      return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
    } catch (error) {
      if (
        error instanceof Error &&
        'code' in error &&
        (error.code === 'ENOENT' || error.code === 'ENOTDIR')
      ) {
        throw this.#missing();
      }
      throw new CountersignError(
        'FILE_UNREADABLE',
        `cannot read ${this.#path}: ${error instanceof Error ? error.message : String(error)}`,
        'Check who owns the file and its directory.',
        { cause: error },
      );
    }
  }

  #missing(): CountersignError {
    return new CountersignError(
      'STATE_MISSING',
      `there is no directory at ${this.#path}`,
      `Correct the path, or make a directory with its first user: countersign directory add --dir '${this.#folder}' …`,
    );
  }
}
