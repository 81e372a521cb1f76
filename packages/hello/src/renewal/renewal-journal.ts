import { join } from 'node:path';
import {
  ensurePrivateDirectory,
  JsonObject,
  parseJsonDocument,
  readFileIfExists,
  removeFileDurably,
  writeFileAtomic,
} from '@countersign/state';

/** How far a renewal has come. */
export interface RenewalRecord {
  readonly upn: string;
  readonly keyRef: string;
  readonly begunAt: Date;
  /** The certificate that is renewed, DER. */
  readonly replaces: Uint8Array;
  /** CMS around PKCS#10, DER: made once, so that the CA knows it again. */
  readonly request?: Uint8Array | undefined;
  /** The new certificate, DER. */
  readonly certificate?: Uint8Array | undefined;
}

/** The file `renewal.json` of a user's folder, which is there as long as a renewal is not finished. Nothing secret is in it. */
export class RenewalJournal {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws CountersignError `STATE_DAMAGED` */
  async read(): Promise<RenewalRecord | undefined> {
    const bytes = await readFileIfExists(this.#path);
    return bytes === undefined ? undefined : parse(bytes, this.#path);
  }

  async write(record: RenewalRecord): Promise<RenewalRecord> {
    await ensurePrivateDirectory(this.#directory);
    await writeFileAtomic(this.#path, format(record));
    return record;
  }

  async remove(): Promise<void> {
    await removeFileDurably(this.#path);
  }

  get #path(): string {
    return join(this.#directory, 'renewal.json');
  }
}

function format({ upn, keyRef, begunAt, replaces, request, certificate }: RenewalRecord): string {
  const document = {
    format: 'countersign-renewal',
    version: 1,
    upn,
    keyRef,
    begunAt: begunAt.toISOString(),
    replaces: hex(replaces),
    request: request && hex(request),
    certificate: certificate && hex(certificate),
  };
  return `${JSON.stringify(document, null, 1)}\n`;
}

function parse(bytes: Uint8Array, path: string): RenewalRecord {
  const document = JsonObject.from(parseJsonDocument(bytes, path), path);
  document.oneOf('format', ['countersign-renewal']);
  document.integer('version', { min: 1, max: 1 });
  const record = {
    upn: document.string('upn'),
    keyRef: document.string('keyRef'),
    begunAt: document.date('begunAt'),
    replaces: document.bytesHex('replaces'),
    request: document.has('request') ? document.bytesHex('request') : undefined,
    certificate: document.has('certificate') ? document.bytesHex('certificate') : undefined,
  };
  document.end();
  return record;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
