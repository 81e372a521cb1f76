import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { CountersignError } from '@countersign/core';
import {
  ensurePrivateDirectory,
  JsonObject,
  parseJsonDocument,
  readFileIfExists,
  removeFileDurably,
  writeFileAtomic,
} from '@countersign/state';
import { assertNoResetPending, whileAlone } from './exclusion.ts';

/** How far a user's provisioning has come: what each step left that the next ones, or the same one after a crash, need. */
export interface ProvisioningRecord {
  /** 16 random bytes, hex: names the key that this provisioning makes. */
  readonly id: string;
  readonly upn: string;
  readonly begunAt: Date;
  /** Reference of the key, once it is known to exist. */
  readonly keyRef?: string | undefined;
  /** What the registration service answered. */
  readonly registration?: { readonly keyId: string; readonly receipt: string | undefined } | undefined;
  /** PKCS#10, DER: made once, so that the RA knows it again. */
  readonly request?: Uint8Array | undefined;
  /** How often enrollment found the key not synced yet, and when it tried last. */
  readonly waited?: { readonly attempts: number; readonly lastAt: Date } | undefined;
  /** DER. */
  readonly certificate?: Uint8Array | undefined;
  readonly completedAt?: Date | undefined;
}

/**
 * The record of one user's provisioning in a file, replaced as a whole after each step; a crash leaves the step before or
 * the one after. Nothing secret is in it.
 */
export class ProvisioningJournal {
  readonly #directory: string;

  /** @param directory made if missing, readable by its owner alone */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws CountersignError `STATE_DAMAGED` */
  async read(): Promise<ProvisioningRecord | undefined> {
    const bytes = await readFileIfExists(this.#path);
    return bytes === undefined ? undefined : parse(bytes, this.#path);
  }

  /** Goes on with what was begun for this user, or begins. @throws CountersignError `STATE_EXISTS` for another user's */
  async begin(upn: string, at: Date): Promise<ProvisioningRecord> {
    const found = await this.read();
    if (found === undefined) {
      return this.write({ id: randomBytes(16).toString('hex'), upn, begunAt: at });
    }
    if (found.upn === upn) return found;
    throw new CountersignError(
      'STATE_EXISTS',
      `${this.#path} is of the provisioning of ${found.upn}, not of ${upn}`,
      'Use a state directory of its own for each user.',
    );
  }

  async write(record: ProvisioningRecord): Promise<ProvisioningRecord> {
    await ensurePrivateDirectory(this.#directory);
    await writeFileAtomic(this.#path, format(record));
    return record;
  }

  async remove(): Promise<void> {
    await removeFileDurably(this.#path);
  }

  /**
   * One provisioning, renewal or reset at a time.
   * @throws CountersignError `STATE_EXISTS` if a reset was begun and is not finished
   */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    return whileAlone(this.#directory, async () => {
      await assertNoResetPending(this.#directory);
      return work();
    });
  }

  get #path(): string {
    return join(this.#directory, 'provisioning.json');
  }
}

function format(record: ProvisioningRecord): string {
  const { request, certificate, waited, begunAt, completedAt, ...texts } = record;
  const document = {
    format: 'countersign-provisioning',
    version: 1,
    ...texts,
    begunAt: begunAt.toISOString(),
    request: request && hex(request),
    waited: waited && { attempts: waited.attempts, lastAt: waited.lastAt.toISOString() },
    certificate: certificate && hex(certificate),
    completedAt: completedAt?.toISOString(),
  };
  return `${JSON.stringify(document, null, 1)}\n`;
}

function parse(bytes: Uint8Array, path: string): ProvisioningRecord {
  const document = JsonObject.from(parseJsonDocument(bytes, path), path);
  document.oneOf('format', ['countersign-provisioning']);
  document.integer('version', { min: 1, max: 1 });
  const registration = document.optionalObject('registration');
  const waited = document.optionalObject('waited');
  const record = {
    id: document.string('id'),
    upn: document.string('upn'),
    begunAt: document.date('begunAt'),
    keyRef: document.optionalString('keyRef'),
    registration: registration && {
      keyId: registration.string('keyId'),
      receipt: registration.optionalString('receipt'),
    },
    request: document.has('request') ? document.bytesHex('request') : undefined,
    waited: waited && { attempts: waited.integer('attempts', { min: 1 }), lastAt: waited.date('lastAt') },
    certificate: document.has('certificate') ? document.bytesHex('certificate') : undefined,
    completedAt: document.optionalDate('completedAt'),
  };
  registration?.end();
  waited?.end();
  document.end();
  return record;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
