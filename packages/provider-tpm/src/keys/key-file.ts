import { createHash } from 'node:crypto';
import { CountersignError, TpmPublicArea, type PublicKey } from '@countersign/core';
import { encodeTss2PrivateKey, parseTss2PrivateKey, type Tss2PrivateKey } from './tss2-private-key.ts';

/** A key as its file has it. */
export interface StoredTpmKey extends Tss2PrivateKey {
  /** The first 16 bytes of the SHA-256 of its Name, lower-case hex. */
  readonly id: string;
  readonly label: string;
  readonly key: PublicKey;
  /** Of the whole file, to tell whether somebody changed it meanwhile. */
  readonly file: Uint8Array;
}

/** @param blobs what the TPM gave out of the key */
export function describeStoredKey(blobs: Tss2PrivateKey, label: string): StoredTpmKey {
  const area = TpmPublicArea.parse(blobs.publicArea);
  const id = createHash('sha256').update(area.name).digest('hex').slice(0, 32);
  return { ...blobs, id, label, key: area.publicKey, file: Buffer.from(encodeKeyFile(blobs, label)) };
}

/** PEM, with the label in the text before it, where PEM readers expect explanations (RFC 7468 2). */
export function encodeKeyFile(blobs: Tss2PrivateKey, label: string): string {
  return `${label === '' ? '' : `Label: ${asciiJson(label)}\n`}${encodeTss2PrivateKey(blobs)}`;
}

/** @throws CountersignError `PEM_MALFORMED`, `DER_MALFORMED`, `KEY_NOT_ACCEPTABLE`, `ATTESTATION_MALFORMED` */
export function parseKeyFile(file: Uint8Array): StoredTpmKey {
  const blobs = parseTss2PrivateKey(file);
  return { ...describeStoredKey(blobs, labelOf(file)), file: Uint8Array.from(file) };
}

/** @throws CountersignError `KEY_STORE_DAMAGED` */
export function readStoredKey(file: Uint8Array, id: string, path: string): StoredTpmKey {
  let found: StoredTpmKey;
  try {
    found = parseKeyFile(file);
  } catch (cause) {
    if (!(cause instanceof CountersignError)) throw cause;
    throw damaged(path, cause.message, cause);
  }
  if (found.id === id) return found;
  throw damaged(path, `it holds the key ${found.id}`);
}

function labelOf(file: Uint8Array): string {
  const text = Buffer.from(file.buffer, file.byteOffset, file.length).toString('latin1');
  const [before = ''] = text.split(/^-----BEGIN /m, 1);
  const [, json] = /^Label: (".*")\r?$/m.exec(before) ?? [];
  if (json === undefined) return '';
  try {
    return String(JSON.parse(json));
  } catch {
    return '';
  }
}

function asciiJson(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[^ -~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function damaged(path: string, found: string, cause?: unknown): CountersignError {
  return new CountersignError(
    'KEY_STORE_DAMAGED',
    `${path} is not the key file that was written: ${found}`,
    'Restore it from a backup, or destroy the key and enroll again.',
    { cause },
  );
}
