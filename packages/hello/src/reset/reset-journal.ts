import { CountersignError } from '@countersign/core';
import {
  JsonObject,
  parseJsonDocument,
  readFileIfExists,
  removeFileDurably,
  writeFileAtomic,
} from '@countersign/state';
import { resetJournalPath } from '../provisioning/exclusion.ts';

/** What a reset takes away, in this order. */
export const resetSteps = ['key', 'registration', 'certificate', 'records'] as const;
export type ResetStep = (typeof resetSteps)[number];

/**
 * What a reset is about, put down before anything is taken away, since the key cannot be asked any more afterwards; and
 * which steps are done.
 */
export interface ResetRecord {
  readonly upn: string;
  readonly begunAt: Date;
  readonly key: ResetKey | undefined;
  /** DER. */
  readonly certificates: readonly Uint8Array[];
  /** The steps from the first one on that are finished. */
  readonly done: readonly ResetStep[];
}

export interface ResetKey {
  readonly ref: string;
  /** SHA-256 of the SubjectPublicKeyInfo, lower-case hex. */
  readonly keyId: string;
  /** SubjectPublicKeyInfo, DER; undefined if the key was gone before it was asked for a certificate. */
  readonly publicKey: Uint8Array | undefined;
}

/** The file `reset.json` of a user's folder, which is there as long as a reset is not finished. Nothing secret is in it. */
export class ResetJournal {
  readonly #path: string;

  constructor(directory: string) {
    this.#path = resetJournalPath(directory);
  }

  /** @throws CountersignError `STATE_DAMAGED`, `STATE_EXISTS` for another user's */
  async read(upn: string): Promise<ResetRecord | undefined> {
    const bytes = await readFileIfExists(this.#path);
    if (bytes === undefined) return undefined;
    const record = parse(bytes, this.#path);
    if (record.upn === upn) return record;
    throw new CountersignError(
      'STATE_EXISTS',
      `${this.#path} is of the reset of ${record.upn}, not of ${upn}`,
      'Use a state directory of its own for each user.',
    );
  }

  async write(record: ResetRecord): Promise<ResetRecord> {
    await writeFileAtomic(this.#path, format(record));
    return record;
  }

  async remove(): Promise<void> {
    await removeFileDurably(this.#path);
  }
}

function format({ upn, begunAt, key, certificates, done }: ResetRecord): string {
  const document = {
    format: 'countersign-reset',
    version: 1,
    upn,
    begunAt: begunAt.toISOString(),
    key: key && { ...key, publicKey: key.publicKey && hex(key.publicKey) },
    certificates: certificates.map(hex),
    done,
  };
  return `${JSON.stringify(document, null, 1)}\n`;
}

function parse(bytes: Uint8Array, path: string): ResetRecord {
  const document = JsonObject.from(parseJsonDocument(bytes, path), path);
  document.oneOf('format', ['countersign-reset']);
  document.integer('version', { min: 1, max: 1 });
  const key = document.optionalObject('key');
  const steps = document.strings('done');
  const record = {
    upn: document.string('upn'),
    begunAt: document.date('begunAt'),
    key: key && {
      ref: key.string('ref'),
      keyId: key.string('keyId'),
      publicKey: key.has('publicKey') ? key.bytesHex('publicKey') : undefined,
    },
    certificates: document.strings('certificates').map((text) => {
      const der = Buffer.from(text, 'hex');
      if (der.toString('hex') !== text) throw document.damaged('certificates', 'hex was expected');
      return Uint8Array.from(der);
    }),
    done: resetSteps.slice(0, steps.length),
  };
  if (record.done.join() !== steps.join())
    throw document.damaged('done', `the steps ${resetSteps.join(', ')} were expected, in this order`);
  key?.end();
  document.end();
  return record;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
