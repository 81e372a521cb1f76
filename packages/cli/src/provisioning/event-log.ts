import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeviceEvent } from '@countersign/hello';
import { ensurePrivateDirectory } from '@countersign/state';

/** The events of one device, a JSON document a line in `events.jsonl`. */
export class EventLog {
  readonly #directory: string;
  readonly #clock: () => Date;

  constructor(directory: string, clock: () => Date = () => new Date()) {
    this.#directory = directory;
    this.#clock = clock;
  }

  async write(event: DeviceEvent): Promise<void> {
    await ensurePrivateDirectory(this.#directory);
    const record = { at: this.#clock().toISOString(), ...event };
    await appendFile(join(this.#directory, 'events.jsonl'), `${JSON.stringify(record)}\n`, { mode: 0o600 });
  }
}
