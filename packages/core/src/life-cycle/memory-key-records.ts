import type { KeyRecord, KeyRecordStore } from './key-record.ts';

/** Records that end with the process: for keys that do so too. */
export class MemoryKeyRecords implements KeyRecordStore {
  readonly #records = new Map<string, KeyRecord>();

  find(keyId: string): Promise<KeyRecord | undefined> {
    return Promise.resolve(this.#records.get(keyId));
  }

  list(): Promise<readonly KeyRecord[]> {
    return Promise.resolve([...this.#records.values()]);
  }

  change(change: (records: ReadonlyMap<string, KeyRecord>) => readonly KeyRecord[]): Promise<void> {
    return new Promise((resolve) => {
      for (const record of change(this.#records)) this.#records.set(record.keyId, record);
      resolve();
    });
  }
}
