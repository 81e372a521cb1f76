import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CountersignError } from '@countersign/core';
import {
  ensurePrivateDirectory,
  JsonObject,
  parseJsonDocument,
  readFileIfExists,
  removeFileDurably,
  withLock,
  writeFileAtomic,
} from '@countersign/state';
import type { PinPolicy } from './pin-policy.ts';

/** What a guess at a remembered PIN costs whoever has the file. */
export interface HistoryCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

const defaultCost: HistoryCost = { N: 2 ** 15, r: 8, p: 1 };

/**
 * Which PINs a user had, and since when the present one is: for the policies History and Expiration. Each is kept as a
 * salted scrypt hash. A PIN reset forgets them all.
 */
export class PinHistory {
  readonly #directory: string;
  readonly #cost: HistoryCost;

  /** @param directory made if missing, readable by its owner alone */
  constructor(directory: string, cost: HistoryCost = defaultCost) {
    this.#directory = directory;
    this.#cost = cost;
  }

  /** @throws CountersignError `PIN_INVALID` if it is one of those that may not come again */
  async assertNotUsed(pin: Uint8Array, { history }: Pick<PinPolicy, 'history'>): Promise<void> {
    if (history === 0) return;
    for (const each of (await this.#read()).slice(0, history)) {
      const hash = await hashOf(pin, each.salt, each.cost);
      if (!timingSafeEqual(hash, each.hash)) continue;
      throw new CountersignError(
        'PIN_INVALID',
        `the PIN is one of the last ${history} that were in use`,
        'Choose another.',
      );
    }
  }

  /** Notes the PIN that is in use from now on, and forgets those that the policy does not ask about. */
  async remember(pin: Uint8Array, at: Date, { history }: Pick<PinPolicy, 'history'>): Promise<void> {
    const salt = randomBytes(16);
    const hash = await hashOf(pin, salt, this.#cost);
    await ensurePrivateDirectory(this.#directory);
    await withLock(join(this.#directory, 'pin-history.lock'), async () => {
      const earlier = await this.#read();
      const kept = [{ salt, hash, cost: this.#cost, since: at }, ...earlier].slice(0, Math.max(1, history));
      await writeFileAtomic(this.#path, format(kept));
    });
  }

  /** @returns when the present PIN has to be changed; undefined if never, or if none is known */
  async expiresAt({ expirationDays }: Pick<PinPolicy, 'expirationDays'>): Promise<Date | undefined> {
    const [current] = await this.#read();
    if (current === undefined || expirationDays === 0) return undefined;
    return new Date(current.since.getTime() + expirationDays * 86_400_000);
  }

  /** As a PIN reset does. */
  async forget(): Promise<void> {
    await removeFileDurably(this.#path);
  }

  async #read(): Promise<readonly RememberedPin[]> {
    const bytes = await readFileIfExists(this.#path);
    return bytes === undefined ? [] : parse(bytes, this.#path);
  }

  get #path(): string {
    return join(this.#directory, 'pin-history.json');
  }
}

interface RememberedPin {
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
  readonly cost: HistoryCost;
  readonly since: Date;
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

function format(pins: readonly RememberedPin[]): string {
  const document = {
    format: 'countersign-pin-history',
    version: 1,
    pins: pins.map(({ salt, hash, cost, since }) => ({
      salt: Buffer.from(salt).toString('hex'),
      hash: Buffer.from(hash).toString('hex'),
      ...cost,
      since: since.toISOString(),
    })),
  };
  return `${JSON.stringify(document, null, 1)}\n`;
}

function parse(bytes: Uint8Array, path: string): readonly RememberedPin[] {
  const document = JsonObject.from(parseJsonDocument(bytes, path), path);
  document.oneOf('format', ['countersign-pin-history']);
  document.integer('version', { min: 1, max: 1 });
  const pins = document.objects('pins').map((object) => {
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
  });
  document.end();
  return pins;
}
