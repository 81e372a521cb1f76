import { randomBytes } from 'node:crypto';
import { CountersignError } from '@countersign/core';
import { algorithmIds, hashAlgorithms, type HashAlgorithm } from './algorithms.ts';
import { AuthSession, type SessionKind } from './auth-session.ts';
import { stripTrailingZeros } from './auth-value.ts';
import { commands } from './command-table.ts';
import { entityNamedByHandle, handleType, handleTypes, permanentHandles, type Entity } from './entity.ts';
import { exchangeWithoutSessions } from './exchange-without-sessions.ts';
import { flushHandle } from './flush-handle.ts';
import { kdfA } from './kdf.ts';
import { SaltKey } from './salt-key.ts';
import type { TpmChannel } from './tpm-channel.ts';
import { TpmReader } from './wire/tpm-reader.ts';
import { TpmWriter } from './wire/tpm-writer.ts';

export type SessionHash = HashAlgorithm;
export type SessionSymmetric = 'aes-128-cfb' | 'aes-256-cfb';

export interface SessionOptions {
  /**
   * What keeps the session key from whoever reads the bus. `unsalted` must be asked for by name: such a session protects
   * nothing against a reader of the bus who can guess the authValues.
   */
  readonly salt: SaltKey | 'unsalted';
  /** The entity whose authValue goes into the session key, so that its use needs none in the HMAC. */
  readonly bind?: Entity & { readonly authValue: Uint8Array };
  /** Default SHA-256. */
  readonly hash?: SessionHash;
  /** Default AES-128, which every TPM has. */
  readonly symmetric?: SessionSymmetric;
}

/**
 * TPM2_StartAuthSession. Nothing in its answer is authenticated; the session's first command is what proves that the TPM
 * knows the salt.
 * @throws TpmRefusal; CountersignError `TPM_SESSION_NOT_SALTED`, `TPM_STRUCTURE_MALFORMED`, and what the channel throws.
 */
export async function startAuthSession(
  channel: TpmChannel,
  kind: SessionKind,
  options: SessionOptions,
): Promise<AuthSession> {
  const { salt: saltKey, hash = 'sha256', symmetric = 'aes-128-cfb' } = options;
  const bound = options.bind === undefined ? undefined : copyOfBound(options.bind);
  const { salt, encryptedSalt } = saltFor(saltKey);
  try {
    const nonceCaller = randomBytes(hashAlgorithms[hash].bytes);
    const { handle, nonceTpm } = await requestSession(channel, {
      handles: [
        saltKey instanceof SaltKey ? saltKey : nullHandle,
        options.bind === undefined ? nullHandle : options.bind,
      ],
      nonceCaller,
      encryptedSalt,
      kind,
      hash,
      symmetric,
    });
    const sessionKey = deriveSessionKey(hash, bound?.authValue ?? empty, salt, nonceTpm, nonceCaller);
    return new AuthSession({ kind, handle, hash, symmetric, sessionKey, nonceTpm, bound });
  } catch (error) {
    bound?.authValue.fill(0);
    throw error;
  } finally {
    salt.fill(0);
  }
}

interface SessionRequest {
  readonly handles: readonly Entity[];
  readonly nonceCaller: Uint8Array;
  readonly encryptedSalt: Uint8Array;
  readonly kind: SessionKind;
  readonly hash: SessionHash;
  readonly symmetric: SessionSymmetric;
}

async function requestSession(
  channel: TpmChannel,
  request: SessionRequest,
): Promise<{ handle: number; nonceTpm: Uint8Array }> {
  const { handle = 0, parameters } = await exchangeWithoutSessions(channel, {
    layout: commands.startAuthSession,
    handles: request.handles,
    parameters: new TpmWriter()
      .sized(request.nonceCaller)
      .sized(request.encryptedSalt)
      .u8(sessionTypes[request.kind])
      .u16(algorithmIds.aes)
      .u16(request.symmetric === 'aes-256-cfb' ? 256 : 128)
      .u16(algorithmIds.cfb)
      .u16(hashAlgorithms[request.hash].id)
      .finish(),
  });
  try {
    return { handle, nonceTpm: readNonce(request, handle, parameters) };
  } catch (error) {
    await flushUnusable(channel, handle);
    throw error;
  }
}

function readNonce(request: SessionRequest, handle: number, parameters: Uint8Array): Uint8Array {
  const reader = new TpmReader(parameters, 'response to TPM2_StartAuthSession');
  const nonceTpm = reader.sized();
  reader.end();
  const expectedType = request.kind === 'hmac' ? handleTypes.hmacSession : handleTypes.policySession;
  if (handleType(handle) !== expectedType) {
    throw reader.malformed(`0x${handle.toString(16)} is no handle of such a session`);
  }
  if (nonceTpm.length !== request.nonceCaller.length) {
    // A nonce as long as ours is what part 3, 11.1 says; a shorter one could be hoped to come again.
    throw reader.malformed(
      `a nonce has ${nonceTpm.length} bytes, ${request.nonceCaller.length} are expected`,
    );
  }
  return nonceTpm;
}

/** A session that was started, if the handle is right, and that nobody can use. */
async function flushUnusable(channel: TpmChannel, handle: number): Promise<void> {
  if (handleType(handle) !== handleTypes.hmacSession && handleType(handle) !== handleTypes.policySession)
    return;
  try {
    await flushHandle(channel, handle);
  } catch {
    // Cleaning up after an error that is told: what fails here adds nothing to it.
  }
}

/** TPM 2.0 part 1, 19.6: neither salt nor binding, no session key. */
function deriveSessionKey(
  hash: SessionHash,
  bindAuthValue: Uint8Array,
  salt: Uint8Array,
  nonceTpm: Uint8Array,
  nonceCaller: Uint8Array,
): Uint8Array {
  const secret = new TpmWriter().bytes(bindAuthValue).bytes(salt).finish();
  try {
    if (secret.length === 0) return secret;
    return kdfA(hash, secret, 'ATH', nonceTpm, nonceCaller, hashAlgorithms[hash].bytes);
  } finally {
    secret.fill(0);
  }
}

function saltFor(saltKey: SaltKey | 'unsalted'): { salt: Uint8Array; encryptedSalt: Uint8Array } {
  if (saltKey instanceof SaltKey) return saltKey.createSalt();
  if (saltKey === 'unsalted') return { salt: empty, encryptedSalt: empty };
  throw new CountersignError(
    'TPM_SESSION_NOT_SALTED',
    'a TPM session was asked for without a key to encrypt its salt to',
    "Give a SaltKey; where a session without salt is wanted all the same, say 'unsalted'.",
  );
}

function copyOfBound({ name, authValue }: Entity & { readonly authValue: Uint8Array }): {
  name: Uint8Array;
  authValue: Uint8Array;
} {
  return { name: Uint8Array.from(name), authValue: Uint8Array.from(stripTrailingZeros(authValue)) };
}

/** TPM_SE. */
const sessionTypes: Readonly<Record<SessionKind, number>> = { hmac: 0x00, policy: 0x01, trial: 0x03 };

const nullHandle = entityNamedByHandle(permanentHandles.null);
const empty = new Uint8Array();
