import { createPublicKey } from 'node:crypto';
import { PublicKey } from '@countersign/core';
import { calculateJwkThumbprint, createLocalJWKSet, exportJWK, type JSONWebKeySet, type JWK } from 'jose';
import { MessageObject, messageMalformed } from '../https/index.ts';

/** Finds the key that a token names; jose's resolver, whose errors say that there is none. */
export type TokenKeys = ReturnType<typeof createLocalJWKSet>;

/** How tokens and key sets name a key: the thumbprint of RFC 7638, SHA-256, base64url. */
export async function keyIdOf(publicKey: PublicKey): Promise<string> {
  return calculateJwkThumbprint(await exportJWK(publicKey.keyObject), 'sha256');
}

/**
 * Public keys as a JWK Set (RFC 7517 5).
 * @param publicKeys SubjectPublicKeyInfo, DER
 */
export async function createKeySet(publicKeys: readonly Uint8Array[]): Promise<JSONWebKeySet> {
  const keys = publicKeys.map(async (octets) => {
    const publicKey = PublicKey.parse(octets);
    const jwk = await exportJWK(publicKey.keyObject);
    return Object.assign(jwk, { kid: await keyIdOf(publicKey), use: 'sig' });
  });
  return { keys: await Promise.all(keys) };
}

/** Keys that are known beforehand. @param publicKeys SubjectPublicKeyInfo, DER */
export async function tokenKeys(publicKeys: readonly Uint8Array[]): Promise<TokenKeys> {
  return createLocalJWKSet(await createKeySet(publicKeys));
}

/**
 * Reads a JWK Set. Keys of types that are unknown here are passed over (RFC 7517 5); the others have to be sound.
 * @param octets JSON in UTF-8
 * @throws CountersignError `MESSAGE_MALFORMED`, and what `PublicKey.parse` throws
 */
export async function parseKeySet(octets: Uint8Array): Promise<TokenKeys> {
  const keys: JWK[] = [];
  for (const object of MessageObject.parse(octets, 'JWK Set').objects('keys')) {
    if (!['RSA', 'EC', 'OKP'].includes(object.string('kty'))) continue;
    const jwk = await exportJWK(readKey(object).keyObject);
    keys.push({ ...jwk, kid: object.string('kid'), use: 'sig' });
  }
  return createLocalJWKSet({ keys });
}

/** Core looks at every key before anything is verified with it. */
function readKey(object: MessageObject): PublicKey {
  const members = ['kty', 'crv', 'x', 'y', 'n', 'e']
    .filter((name) => object.has(name))
    .map((name): [string, string] => [name, object.string(name)]);
  let subjectPublicKeyInfo: Uint8Array;
  try {
    const keyObject = createPublicKey({ key: Object.fromEntries(members), format: 'jwk' });
    subjectPublicKeyInfo = keyObject.export({ format: 'der', type: 'spki' });
  } catch {
    throw messageMalformed('the JWK Set has a key that cannot be read');
  }
  return PublicKey.parse(Uint8Array.from(subjectPublicKeyInfo));
}
