import { join } from 'node:path';
import {
  KeyHistory,
  keyStates,
  type KeyRecord,
  type KeyRecordStore,
  type KeyTransition,
} from '@countersign/core';
import { writeFileAtomic } from './atomic-file.ts';
import { JsonObject, parseJsonDocument } from './json-document.ts';
import { withLock } from './lock.ts';
import { defaultStateDirectory, ensurePrivateDirectory } from './private-directory.ts';
import { readFileIfExists } from './read-file.ts';

/**
 * The records of a person's keys, whichever providers hold them: one file that processes share. It outlives the keys,
 * so that a destroyed one can still be accounted for.
 *
 * Its methods throw CountersignError `STATE_DAMAGED` if the file is not what was written.
 */
export class FileKeyRecords implements KeyRecordStore {
  readonly #directory: string;

  /** @param directory made if missing, readable by its owner alone */
  constructor(directory: string = defaultStateDirectory()) {
    this.#directory = directory;
  }

  async find(keyId: string): Promise<KeyRecord | undefined> {
    return (await this.#read()).get(keyId);
  }

  async list(): Promise<readonly KeyRecord[]> {
    return [...(await this.#read()).values()];
  }

  async change(change: (records: ReadonlyMap<string, KeyRecord>) => readonly KeyRecord[]): Promise<void> {
    await ensurePrivateDirectory(this.#directory);
    await withLock(join(this.#directory, 'key-records.lock'), async () => {
      const records = await this.#read();
      const changed = change(records);
      if (changed.length === 0) return;
      for (const record of changed) records.set(record.keyId, record);
      await writeFileAtomic(this.#path, format(records.values()));
    });
  }

  async #read(): Promise<Map<string, KeyRecord>> {
    const bytes = await readFileIfExists(this.#path);
    return bytes === undefined ? new Map() : parse(bytes, this.#path);
  }

  get #path(): string {
    return join(this.#directory, 'key-records.json');
  }
}

function format(records: Iterable<KeyRecord>): string {
  const keys = Array.from(records, ({ history, destructionBegunAt, ...record }) => ({
    ...record,
    destructionBegunAt: destructionBegunAt?.toISOString(),
    transitions: history.transitions.map(({ to, at, reason }) => ({ to, at: at.toISOString(), reason })),
  }));
  return `${JSON.stringify({ format: 'countersign-key-records', version: 1, keys }, null, 1)}\n`;
}

function parse(bytes: Uint8Array, path: string): Map<string, KeyRecord> {
  const document = JsonObject.from(parseJsonDocument(bytes, path), path);
  document.oneOf('format', ['countersign-key-records']);
  document.integer('version', { min: 1, max: 1 });
  const records = document.objects('keys').map(parseRecord);
  document.end();
  return new Map(records.map((record) => [record.keyId, record]));
}

function parseRecord(object: JsonObject): KeyRecord {
  const replaces = object.optionalString('replaces');
  const destructionBegunAt = object.optionalDate('destructionBegunAt');
  const destruction = object.optionalString('destruction');
  const record = {
    keyId: object.string('keyId'),
    ref: object.string('ref'),
    label: object.string('label'),
    history: KeyHistory.from(object.objects('transitions').map(parseTransition)),
    ...(replaces === undefined ? {} : { replaces }),
    ...(destructionBegunAt === undefined ? {} : { destructionBegunAt }),
    ...(destruction === undefined ? {} : { destruction }),
  };
  object.end();
  return record;
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
