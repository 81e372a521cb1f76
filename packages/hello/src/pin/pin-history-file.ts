import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  ensurePrivateDirectory,
  JsonObject,
  parseJsonDocument,
  readFileIfExists,
  removeFileDurably,
  withLock,
  writeFileAtomic,
} from '@countersign/state';

/** What a guess at a remembered PIN costs whoever has the file. */
export interface HistoryCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

export const defaultCost: HistoryCost = { N: 2 ** 15, r: 8, p: 1 };

/** A PIN that can be recognized and not be read. */
export interface RememberedPin {
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
  readonly cost: HistoryCost;
  readonly since: Date;
}

export interface PinHistoryContents {
  /** The present PIN first. */
  readonly pins: readonly RememberedPin[];
  /** The PIN that a change was about to set, of which it is not known whether it holds. */
  readonly announced: RememberedPin | undefined;
}

const empty: PinHistoryContents = { pins: [], announced: undefined };

/** The file `pin-history.json` of a folder. */
export class PinHistoryFile {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws CountersignError `STATE_DAMAGED`, `FILE_UNREADABLE` */
  async read(): Promise<PinHistoryContents> {
    const bytes = await readFileIfExists(this.#path);
    return bytes === undefined ? empty : parse(bytes, this.#path);
  }

  /** Replaces the whole, with no other change in between. */
  async change(change: (contents: PinHistoryContents) => PinHistoryContents): Promise<void> {
    await ensurePrivateDirectory(this.#directory);
    await withLock(join(this.#directory, 'pin-history.lock'), async () => {
      await writeFileAtomic(this.#path, format(change(await this.read())));
    });
  }

  async remove(): Promise<void> {
    await removeFileDurably(this.#path);
  }

  get #path(): string {
    return join(this.#directory, 'pin-history.json');
  }
}

export async function rememberedPin(pin: Uint8Array, since: Date, cost: HistoryCost): Promise<RememberedPin> {
  const salt = randomBytes(16);
  return { salt, hash: await hashOf(pin, salt, cost), cost, since };
}

export async function isRemembered(pin: Uint8Array, { salt, hash, cost }: RememberedPin): Promise<boolean> {
  return timingSafeEqual(await hashOf(pin, salt, cost), hash);
}

const hashBytes = 32;
const scryptAsync = promisify<Uint8Array, Uint8Array, number, ScryptOptions, Buffer>(scrypt);

async function hashOf(pin: Uint8Array, salt: Uint8Array, { N, r, p }: HistoryCost): Promise<Buffer> {
  const copy = Uint8Array.from(pin);
  try {
    return await scryptAsync(copy, salt, hashBytes, { N, r, p, maxmem: 256 * N * r });
  } finally {
    copy.fill(0);
  }
}

function format({ pins, announced }: PinHistoryContents): string {
  const document = {
    format: 'countersign-pin-history',
    version: 1,
    pins: pins.map(formatPin),
    announced: announced && formatPin(announced),
  };
  return `${JSON.stringify(document, null, 1)}\n`;
}

function formatPin({ salt, hash, cost, since }: RememberedPin): Readonly<Record<string, unknown>> {
  return {
    salt: Buffer.from(salt).toString('hex'),
    hash: Buffer.from(hash).toString('hex'),
    ...cost,
    since: since.toISOString(),
  };
}

function parse(bytes: Uint8Array, path: string): PinHistoryContents {
  const document = JsonObject.from(parseJsonDocument(bytes, path), path);
  document.oneOf('format', ['countersign-pin-history']);
  document.integer('version', { min: 1, max: 1 });
  const pins = document.objects('pins').map(parsePin);
  const announced = document.optionalObject('announced');
  document.end();
  return { pins, announced: announced && parsePin(announced) };
}

function parsePin(object: JsonObject): RememberedPin {
  const hash = object.bytesHex('hash');
  if (hash.length !== hashBytes) throw object.damaged('hash', `${hashBytes} octets were expected`);
  const cost = {
    N: object.integer('N', { min: 2, max: 2 ** 20 }),
    r: object.integer('r', { min: 1, max: 32 }),
    p: object.integer('p', { min: 1, max: 16 }),
  };
  const pin = { salt: object.bytesHex('salt'), hash, cost, since: object.date('since') };
  object.end();
  return pin;
}
