import { join } from 'node:path';
import { CountersignError } from '@countersign/core';
import { JsonObject, parseJsonDocument, createFileExclusive, readFileIfExists } from '@countersign/state';
import type { PublicObject } from '../session/index.ts';

/**
 * Binds a directory of keys to the TPM that they were made in, by the Name of its storage root key: what the TPM says is
 * believed once, when the directory is new, and compared ever after.
 * @returns the Name to trust
 * @throws CountersignError `KEY_HELD_ELSEWHERE` if the keys were made in another TPM, or before this one was cleared;
 *   `STATE_DAMAGED`
 */
export async function bindToTpm(directory: string, storageRootKey: PublicObject): Promise<Uint8Array> {
  const path = join(directory, 'tpm.json');
  const known = (await readBinding(path)) ?? (await makeBinding(path, storageRootKey));
  if (Buffer.compare(known, storageRootKey.name) === 0) return known;
  throw new CountersignError(
    'KEY_HELD_ELSEWHERE',
    `the keys in ${directory} belong to a TPM whose storage root key has the Name ${hex(known)}; the one here has ${hex(storageRootKey.name)}`,
    'Name the TPM that they were made in. If this one was cleared, they are lost: name a new directory, and enroll again.',
  );
}

async function makeBinding(path: string, { name }: PublicObject): Promise<Uint8Array> {
  const document = { format: 'countersign-tpm-binding', version: 1, storageRootKeyName: hex(name) };
  try {
    await createFileExclusive(path, `${JSON.stringify(document, null, 2)}\n`);
    return name;
  } catch (error) {
    if (!(error instanceof CountersignError) || error.code !== 'STATE_EXISTS') throw error;
    // Another process was first.
    return (await readBinding(path)) ?? name;
  }
}

async function readBinding(path: string): Promise<Uint8Array | undefined> {
  const bytes = await readFileIfExists(path, { maxBytes: 4096 });
  if (bytes === undefined) return undefined;
  const document = JsonObject.from(parseJsonDocument(bytes, path), path);
  document.oneOf('format', ['countersign-tpm-binding']);
  document.integer('version', { min: 1, max: 1 });
  const name = document.bytesHex('storageRootKeyName');
  document.end();
  return name;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
