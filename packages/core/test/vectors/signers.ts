import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Key } from '@countersign/core';
import { concat, hex, toHex } from '../encodings/der.ts';
import { readJson, vectorFileUrl } from './vector-file.ts';

/** Signers whose signatures are the same every time, so that vectors can be made again and compared. */
export interface VectorSigner extends Key {
  /** PKCS#8, DER, lower-case hex. */
  readonly privateKey: string;
  signNow(message: Uint8Array): Uint8Array;
}

/** Ed25519 (RFC 8032) with a secret key of 32 equal octets. */
export function ed25519Signer(octet: number): VectorSigner {
  const secret = new Uint8Array(32).fill(octet);
  return signer(toHex(concat(hex('302e020100300506032b657004220420'), secret)), 'ed25519', undefined);
}

/** RSASSA-PKCS1-v1_5 with SHA-256, with the key that the file of vectors brings, or a new one where there is none yet. */
export function rsaSigner(file: string, name: string): VectorSigner {
  return signer(keyIn(file, name) ?? newRsaKey(), 'rsa2048', 'sha256');
}

function signer(
  privateKey: string,
  algorithm: 'ed25519' | 'rsa2048',
  hash: 'sha256' | undefined,
): VectorSigner {
  const key = createPrivateKey({ key: Buffer.from(privateKey, 'hex'), format: 'der', type: 'pkcs8' });
  const signNow = (message: Uint8Array): Uint8Array => Uint8Array.from(sign(hash, message, key));
  return {
    ref: `vector:${algorithm}`,
    label: algorithm,
    algorithm,
    publicKey: Uint8Array.from(createPublicKey(key).export({ format: 'der', type: 'spki' })),
    schemes: [algorithm === 'ed25519' ? 'ed25519' : 'rsa-pkcs1-sha256'],
    sign: (_, message) => Promise.resolve(signNow(message)),
    privateKey,
    signNow,
  };
}

function keyIn(file: string, name: string): string | undefined {
  if (!existsSync(vectorFileUrl(file))) return undefined;
  const found: unknown = readJson(file);
  if (typeof found !== 'object' || found === null || !('keys' in found)) return undefined;
  const keys = new Map<string, unknown>(Object.entries(found.keys ?? {}));
  const key = keys.get(name);
  return typeof key === 'string' ? key : undefined;
}

function newRsaKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return toHex(Uint8Array.from(privateKey.export({ format: 'der', type: 'pkcs8' })));
}
