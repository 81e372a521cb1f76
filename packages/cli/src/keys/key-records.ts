import { join } from 'node:path';
import { KeyHistory, keyStates, type KeyState, type KeyTransition } from '@countersign/core';
import {
  defaultStateDirectory,
  ensurePrivateDirectory,
  JsonObject,
  parseJsonDocument,
  readFileIfExists,
  withLock,
  writeFileAtomic,
} from '@countersign/state';

/**
 * The lives of keys, whichever provider holds them: one file, keyed by the SHA-256 of the public key. It outlives the
 * keys, so that a destroyed one can still be accounted for.
 */
export class KeyRecords {
  readonly #directory: string;

  constructor(directory: string = defaultStateDirectory()) {
    this.#directory = directory;
  }

  async find(keyId: string): Promise<KeyHistory | undefined> {
    return (await this.#read()).get(keyId);
  }

  async begin(keyId: string, at: Date): Promise<void> {
    await this.#change((records) => records.set(keyId, KeyHistory.begin(at)));
  }

  /**
   * Moves a key to another state. A key that was made elsewhere and is not recorded begins its record here.
   * @throws CountersignError `KEY_STATE_FORBIDS`
   */
  async moveTo(keyId: string, to: KeyState, at: Date, reason: string): Promise<void> {
    await this.#change((records) =>
      records.set(keyId, (records.get(keyId) ?? KeyHistory.begin(at)).moveTo(to, at, reason)),
    );
  }

  async #change(change: (records: Map<string, KeyHistory>) => void): Promise<void> {
    await ensurePrivateDirectory(this.#directory);
    await withLock(join(this.#directory, 'key-records.lock'), async () => {
      const records = await this.#read();
      change(records);
      await writeFileAtomic(this.#path, format(records));
    });
  }

  async #read(): Promise<Map<string, KeyHistory>> {
    const bytes = await readFileIfExists(this.#path);
    return bytes === undefined ? new Map() : parse(bytes, this.#path);
  }

  get #path(): string {
    return join(this.#directory, 'key-records.json');
  }
}

function format(records: ReadonlyMap<string, KeyHistory>): string {
  const keys = [...records].map(([keyId, { transitions }]) => ({
    keyId,
    transitions: transitions.map(({ to, at, reason }) => ({ to, at: at.toISOString(), reason })),
  }));
  return `${JSON.stringify({ format: 'countersign-key-records', version: 1, keys }, null, 1)}\n`;
}

function parse(bytes: Uint8Array, path: string): Map<string, KeyHistory> {
  const document = JsonObject.from(parseJsonDocument(bytes, path), path);
  document.oneOf('format', ['countersign-key-records']);
  document.integer('version', { min: 1, max: 1 });
  const keys = document.objects('keys').map((key): [string, KeyHistory] => {
    const keyId = key.string('keyId');
    const history = KeyHistory.from(key.objects('transitions').map(parseTransition));
    key.end();
    return [keyId, history];
  });
  document.end();
  return new Map(keys);
}

function parseTransition(object: JsonObject): KeyTransition {
  const transition = {
    to: object.oneOf('to', keyStates),
    at: object.date('at'),
    reason: object.string('reason'),
  };
  object.end();
  return transition;
}
