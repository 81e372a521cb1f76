import { join } from 'node:path';
import {
  JsonObject,
  parseJsonDocument,
  readFileIfExists,
  withLock,
  writeFileAtomic,
} from '@countersign/state';

export interface LockoutCount {
  readonly failures: number;
  /** From when the next failure to be forgotten is counted. */
  readonly since: Date;
}

/** Where the count of wrong PINs stands. */
export interface LockoutRecord {
  read(): Promise<LockoutCount>;
  /** Changes the count with nobody else in between; durable when it resolves. What `change` throws changes nothing. */
  update(change: (count: LockoutCount) => LockoutCount): Promise<void>;
}

export function createProcessLockoutRecord(): LockoutRecord {
  let count: LockoutCount = nothingCounted;
  return {
    read: async () => count,
    update: async (change) => {
      count = change(count);
    },
  };
}

/** The count in `lockout.json`, shared by every process that uses the store. */
export function createFileLockoutRecord(directory: string): LockoutRecord {
  const path = join(directory, 'lockout.json');
  const read = async (): Promise<LockoutCount> => {
    const bytes = await readFileIfExists(path, { maxBytes: 4096 });
    return bytes === undefined ? nothingCounted : parse(bytes, path);
  };
  return {
    read,
    update: async (change) =>
      withLock(`${path}.lock`, async () => {
        await writeFileAtomic(path, encode(change(await read())));
      }),
  };
}

const format = 'countersign-lockout';
const nothingCounted: LockoutCount = { failures: 0, since: new Date(0) };

function encode({ failures, since }: LockoutCount): string {
  return `${JSON.stringify({ format, version: 1, failures, since: since.toISOString() })}\n`;
}

/** A damaged count is refused, never taken for zero: else damaging it would win new tries. */
function parse(bytes: Uint8Array, path: string): LockoutCount {
  const document = JsonObject.from(parseJsonDocument(bytes, path), path);
  document.oneOf('format', [format]);
  document.integer('version', { min: 1, max: 1 });
  const count = { failures: document.integer('failures', { min: 0 }), since: document.date('since') };
  document.end();
  return count;
}
