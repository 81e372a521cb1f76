import { join } from 'node:path';
import {
  ensurePrivateDirectory,
  JsonObject,
  parseJsonDocument,
  readFileIfExists,
  withLock,
  writeFileAtomic,
} from '@countersign/state';
import type { SyncedKey } from './plan-sync.ts';

/** How a run ended. */
export interface KeySyncRun {
  readonly startedAt: Date;
  readonly endedAt: Date;
  /** The message of what made it fail; undefined if it came to its end. */
  readonly failure: string | undefined;
  readonly added: number;
  readonly removed: number;
  readonly refused: number;
}

export interface KeySyncState {
  readonly lastRun: KeySyncRun | undefined;
  /** When a run began that has not ended: it is at work, or was killed. */
  readonly begunAt: Date | undefined;
  readonly nextRunAt: Date | undefined;
  /** What runs brought, or meant to bring when they began. */
  readonly keys: readonly SyncedKey[];
}

const empty: KeySyncState = { lastRun: undefined, begunAt: undefined, nextRunAt: undefined, keys: [] };

/** The file `key-sync.json` of a folder. */
export class KeySyncStateFile {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws CountersignError `STATE_DAMAGED`, `FILE_UNREADABLE` */
  async read(): Promise<KeySyncState> {
    const bytes = await readFileIfExists(this.#path);
    return bytes === undefined ? empty : parse(bytes, this.#path);
  }

  /**
   * Lets one run at a time work.
   * @throws CountersignError `STATE_LOCKED` if another does not end in ten seconds
   */
  async whileAlone<T>(work: () => Promise<T>): Promise<T> {
    await ensurePrivateDirectory(this.#folder);
    return withLock(join(this.#folder, 'key-sync.lock'), work);
  }

  /** Within `whileAlone` only. */
  async write(state: KeySyncState): Promise<void> {
    await writeFileAtomic(this.#path, format(state));
  }

  get #path(): string {
    return join(this.#folder, 'key-sync.json');
  }
}

function format({ lastRun, begunAt, nextRunAt, keys }: KeySyncState): string {
  // Dates become ISO 8601 texts, and what is undefined is left out.
  const head = { format: 'countersign-key-sync', version: 1, begunAt, nextRunAt, lastRun };
  const lines = keys.map(({ upn, keyId }) => JSON.stringify({ upn, keyId }));
  return `${JSON.stringify(head).slice(0, -1)},"keys":[\n${lines.join(',\n')}\n]}\n`;
}

function parse(bytes: Uint8Array, path: string): KeySyncState {
  const document = JsonObject.from(parseJsonDocument(bytes, path), path);
  document.oneOf('format', ['countersign-key-sync']);
  document.integer('version', { min: 1, max: 1 });
  const lastRun = document.optionalObject('lastRun');
  const state = {
    lastRun: lastRun === undefined ? undefined : parseRun(lastRun),
    begunAt: document.optionalDate('begunAt'),
    nextRunAt: document.optionalDate('nextRunAt'),
    keys: document.objects('keys').map(parseKey),
  };
  document.end();
  return state;
}

function parseRun(object: JsonObject): KeySyncRun {
  const run = {
    startedAt: object.date('startedAt'),
    endedAt: object.date('endedAt'),
    failure: object.optionalString('failure'),
    added: object.integer('added', { min: 0 }),
    removed: object.integer('removed', { min: 0 }),
    refused: object.integer('refused', { min: 0 }),
  };
  object.end();
  return run;
}

function parseKey(object: JsonObject): SyncedKey {
  const key = { upn: object.string('upn'), keyId: object.string('keyId') };
  if (!/^[0-9a-f]{64}$/u.test(key.keyId)) throw object.damaged('keyId', 'it is no SHA-256 in hex');
  object.end();
  return key;
}
