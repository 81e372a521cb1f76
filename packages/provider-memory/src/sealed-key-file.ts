import { createHash } from 'node:crypto';
import { CountersignError, keyAlgorithms } from '@countersign/core';
import { JsonObject, parseJsonDocument } from '@countersign/state';
import { scryptCostProblem } from './scrypt-cost.ts';
import type { SealedKey } from './stored-key.ts';

const format = 'countersign-sealed-key';
const version = 1;

/** The content of `<id>.key.json`. A key has exactly one encoding. */
export function encodeSealedKey(sealed: SealedKey): Uint8Array {
  const header = headerDocument(sealed);
  const body = { ...header, ciphertext: base64(sealed.ciphertext), tag: base64(sealed.tag) };
  return Buffer.from(`${JSON.stringify({ ...body, checksum: checksum(body) }, undefined, 2)}\n`);
}

/** Everything that is stored beside the ciphertext, in one canonical form: the additional data of AES-GCM. */
export function encodeSealedHeader(sealed: Omit<SealedKey, 'ciphertext' | 'tag'>): Uint8Array {
  return Buffer.from(JSON.stringify(headerDocument(sealed)));
}

/**
 * @throws CountersignError `KEY_STORE_DAMAGED` if the bytes are not, to the last one, what `encodeSealedKey` wrote for the
 * key `id`. Found before any PIN is tried; a forger who also mends the checksum is found by the authentication tag.
 */
export function parseSealedKey(bytes: Uint8Array, id: string, path: string): SealedKey {
  let sealed: SealedKey;
  try {
    sealed = readDocument(JsonObject.from(parseJsonDocument(bytes, path), path));
  } catch (cause) {
    if (cause instanceof CountersignError) throw damaged(cause.message, cause);
    throw cause;
  }
  if (sealed.id !== id) throw damaged(`${path} holds the key ${sealed.id}, its name says ${id}`);
  if (Buffer.compare(encodeSealedKey(sealed), bytes) !== 0) {
    throw damaged(`${path} is not as it was written: its checksum does not fit its content`);
  }
  return sealed;
}

function headerDocument(sealed: Omit<SealedKey, 'ciphertext' | 'tag'>): Record<string, unknown> {
  return {
    format,
    version,
    id: sealed.id,
    label: sealed.label,
    algorithm: sealed.algorithm,
    publicKey: base64(sealed.publicKey),
    createdAt: sealed.createdAt.toISOString(),
    kdf: {
      name: 'scrypt',
      N: sealed.cost.N,
      r: sealed.cost.r,
      p: sealed.cost.p,
      salt: base64(sealed.salt),
      keyCheck: base64(sealed.keyCheck),
    },
    cipher: { name: 'aes-256-gcm', nonce: base64(sealed.nonce) },
  };
}

function readDocument(document: JsonObject): SealedKey {
  document.oneOf('format', [format]);
  document.integer('version', { min: version, max: version });
  const kdf = document.object('kdf');
  kdf.oneOf('name', ['scrypt']);
  const cipher = document.object('cipher');
  cipher.oneOf('name', ['aes-256-gcm']);
  const sealed: SealedKey = {
    protection: 'pin',
    id: document.string('id'),
    label: document.string('label'),
    algorithm: document.oneOf('algorithm', keyAlgorithms),
    publicKey: document.bytesBase64('publicKey'),
    createdAt: document.date('createdAt'),
    cost: { N: kdf.integer('N'), r: kdf.integer('r'), p: kdf.integer('p') },
    salt: bytesOfLength(kdf, 'salt', 32),
    keyCheck: bytesOfLength(kdf, 'keyCheck', 32),
    nonce: bytesOfLength(cipher, 'nonce', 12),
    ciphertext: document.bytesBase64('ciphertext'),
    tag: bytesOfLength(document, 'tag', 16),
  };
  document.string('checksum');
  kdf.end();
  cipher.end();
  document.end();
  const problem = scryptCostProblem(sealed.cost);
  if (problem !== undefined) throw document.damaged('kdf', problem);
  return sealed;
}

function bytesOfLength(object: JsonObject, key: string, length: number): Uint8Array {
  const bytes = object.bytesBase64(key);
  if (bytes.length !== length)
    throw object.damaged(key, `${length} bytes were expected, found ${bytes.length}`);
  return bytes;
}

function checksum(body: Record<string, unknown>): string {
  return createHash('sha256').update(JSON.stringify(body)).digest('hex');
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}

function damaged(message: string, cause?: unknown): CountersignError {
  return new CountersignError(
    'KEY_STORE_DAMAGED',
    message,
    'Restore the file from a backup, or move it out of the store if the key is not needed.',
    { cause },
  );
}
