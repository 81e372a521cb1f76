import { createHash, createHmac, randomBytes } from 'node:crypto';
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader, errors } from 'jose';
import { messageMalformed } from '../https/index.ts';

const label = Buffer.from('AzureAD-SecureConversation', 'ascii');

/** Octets of `ctx`, which every message has anew. */
export const contextBytes = 24;

/**
 * Derives the key of one message from the session key: SP 800-108r1 4.1, counter mode with HMAC-SHA256, a counter of 32
 * bits before the fixed data, and the label of MS-OAPXBC.
 * @param context of version 1: `ctx` itself; of version 2: what `contextOfPayload` returns
 * @returns 32 octets, secret
 */
export function deriveMessageKey(sessionKey: Uint8Array, context: Uint8Array): Uint8Array {
  return createHmac('sha256', sessionKey)
    .update(Uint8Array.of(0, 0, 0, 1))
    .update(label)
    .update(Uint8Array.of(0))
    .update(context)
    .update(Uint8Array.of(0, 0, 1, 0))
    .digest();
}

/**
 * The context of version 2 (`kdf_ver` 2), which ties the key to the very message: who gets hold of one derived key cannot
 * sign anything else with it.
 * @param payload the octets of the JWT's claims
 */
export function contextOfPayload(ctx: Uint8Array, payload: Uint8Array): Uint8Array {
  return createHash('sha256').update(ctx).update(payload).digest();
}

/** Encrypts an answer for the device (MS-OAPXBC): JWE with `dir` and A256GCM, the key derived by version 1. */
export async function sealResponse(content: object, sessionKey: Uint8Array): Promise<string> {
  const ctx = randomBytes(contextBytes);
  const header = { alg: 'dir', enc: 'A256GCM', ctx: ctx.toString('base64'), kid: 'session' };
  const key = deriveMessageKey(sessionKey, ctx);
  try {
    return await new CompactEncrypt(Buffer.from(JSON.stringify(content), 'utf8'))
      .setProtectedHeader(header)
      .encrypt(key);
  } finally {
    key.fill(0);
  }
}

/** @returns the content's octets @throws CountersignError `MESSAGE_MALFORMED` if it is not for this session, or altered */
export async function openResponse(jwe: string, sessionKey: Uint8Array): Promise<Uint8Array> {
  let key: Uint8Array | undefined;
  try {
    key = deriveMessageKey(sessionKey, parseContext(decodeProtectedHeader(jwe)['ctx']));
    const options = { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] };
    return (await compactDecrypt(jwe, key, options)).plaintext;
  } catch (cause) {
    // `decodeProtectedHeader` says of what is no JWE that its type is wrong.
    if (!(cause instanceof errors.JOSEError) && !(cause instanceof TypeError)) throw cause;
    throw messageMalformed('the answer is not encrypted with a key of this session');
  } finally {
    key?.fill(0);
  }
}

/** @throws CountersignError `MESSAGE_MALFORMED` */
export function parseContext(ctx: unknown): Uint8Array {
  const octets = typeof ctx === 'string' ? Buffer.from(ctx, 'base64') : Buffer.alloc(0);
  if (octets.length === contextBytes && octets.toString('base64') === ctx) return octets;
  throw messageMalformed(`the header ctx is not the base64 of ${contextBytes} octets`);
}
