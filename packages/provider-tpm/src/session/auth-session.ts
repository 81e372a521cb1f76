import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { CountersignError } from '@countersign/core';
import { hashAlgorithms } from './algorithms.ts';
import { equalInConstantTime, stripTrailingZeros } from './auth-value.ts';
import type { Entity } from './entity.ts';
import { flushHandle } from './flush-handle.ts';
import { kdfA } from './kdf.ts';
import type { SessionHash, SessionSymmetric } from './start-auth-session.ts';
import type { TpmChannel } from './tpm-channel.ts';
import { TpmWriter } from './wire/tpm-writer.ts';

export type SessionKind = 'hmac' | 'policy' | 'trial';

/** What a session is born with. */
export interface SessionBirth {
  readonly kind: SessionKind;
  readonly handle: number;
  readonly hash: SessionHash;
  readonly symmetric: SessionSymmetric;
  /** Taken over, and wiped when the session ends. */
  readonly sessionKey: Uint8Array;
  readonly nonceTpm: Uint8Array;
  /** Name and authValue, without trailing zeros, of what the session is bound to. The authValue is taken over. */
  readonly bound: { readonly name: Uint8Array; readonly authValue: Uint8Array } | undefined;
}

/** What a command or response is authenticated with, the nonces from this side's point of view. */
export interface NoncePair {
  readonly newer: Uint8Array;
  readonly older: Uint8Array;
}

/** A session in the TPM: its keys and nonces, and whether it can still be relied on. */
export class AuthSession {
  readonly kind: SessionKind;
  readonly handle: number;
  readonly hash: SessionHash;
  readonly #keyBytes: number;
  readonly #sessionKey: Uint8Array;
  #nonceTpm: Uint8Array;
  #bound: SessionBirth['bound'];
  #authValueNeeded = false;
  /** `dropped`: the keys are wiped, the TPM may still hold the session; `gone`: it does not. */
  #state: 'open' | 'busy' | 'dropped' | 'gone' = 'open';

  constructor(birth: SessionBirth) {
    this.kind = birth.kind;
    this.handle = birth.handle;
    this.hash = birth.hash;
    this.#keyBytes = birth.symmetric === 'aes-256-cfb' ? 32 : 16;
    this.#sessionKey = birth.sessionKey;
    this.#nonceTpm = birth.nonceTpm;
    this.#bound = birth.bound;
  }

  get usable(): boolean {
    return this.#state === 'open';
  }

  /** The TPM holds nothing of this session any more. */
  get gone(): boolean {
    return this.#state === 'gone';
  }

  /** The nonce that the TPM gave last: TPM2_PolicySecret binds itself to it. */
  get nonceTpm(): Uint8Array {
    return Uint8Array.from(this.#nonceTpm);
  }

  /** As long as the digest, the most that the TPM takes (TPM 2.0 part 1, 19.6). */
  createNonce(): Uint8Array {
    return randomBytes(hashAlgorithms[this.hash].bytes);
  }

  /** A session is in one command at a time: a second one would be computed over a nonce that the first rolls. */
  claim(): void {
    if (this.#state === 'open') {
      this.#state = 'busy';
      return;
    }
    throw new CountersignError(
      'TPM_SESSION_NOT_USABLE',
      this.#state === 'busy' ? 'the TPM session is in another command' : 'the TPM session has ended',
      this.#state === 'busy' ? 'Wait until that command is answered.' : 'Start a new session.',
    );
  }

  /** Undoes a claim where nothing was sent. */
  release(): void {
    if (this.#state === 'busy') this.#state = 'open';
  }

  /**
   * Whether the HMAC key has the authValue of the entity in it (TPM 2.0 part 1, 19.6): not where the session key has it
   * already because the session is bound to the entity, and in a policy only after TPM2_PolicyAuthValue.
   */
  includesAuthValue(entity: Entity, authValue: Uint8Array): boolean {
    if (this.kind !== 'hmac') return this.#authValueNeeded;
    if (this.#bound === undefined) return true;
    return (
      Buffer.compare(this.#bound.name, entity.name) !== 0 ||
      !equalInConstantTime(this.#bound.authValue, stripTrailingZeros(authValue))
    );
  }

  requireAuthValue(): void {
    this.#authValueNeeded = true;
  }

  /** @param authValue part of the key, or empty. */
  computeHmac(authValue: Uint8Array, message: Uint8Array): Uint8Array {
    return this.#withSessionValue(authValue, (key) => createHmac(this.hash, key).update(message).digest());
  }

  /** Encrypts or decrypts the contents of a first parameter (TPM 2.0 part 1, 21); AES-CFB. */
  cipher(
    direction: 'encrypt' | 'decrypt',
    authValue: Uint8Array,
    nonces: NoncePair,
    data: Uint8Array,
  ): Uint8Array {
    const keyAndIv = this.#withSessionValue(authValue, (key) =>
      kdfA(this.hash, key, 'CFB', nonces.newer, nonces.older, this.#keyBytes + 16),
    );
    try {
      const create = direction === 'encrypt' ? createCipheriv : createDecipheriv;
      const algorithm = this.#keyBytes === 32 ? 'aes-256-cfb' : 'aes-128-cfb';
      // CFB is a stream: all comes out of `update`, and `final` adds nothing.
      return create(
        algorithm,
        keyAndIv.subarray(0, this.#keyBytes),
        keyAndIv.subarray(this.#keyBytes),
      ).update(data);
    } finally {
      keyAndIv.fill(0);
    }
  }

  /** The response was authentic. */
  roll(nonceTpm: Uint8Array, use: { readonly continueSession: boolean; readonly audit: boolean }): void {
    this.#nonceTpm = nonceTpm;
    // An audit session cannot be bound: the TPM forgets the binding.
    if (use.audit) this.#unbind();
    // A policy that was used starts again from nothing.
    this.#authValueNeeded = false;
    if (use.continueSession) this.#state = 'open';
    else this.#end('gone');
  }

  /** Wipes the keys: whatever the TPM thinks of this session, nothing is sent in it any more. */
  drop(): void {
    if (this.#state !== 'gone') this.#end('dropped');
  }

  /** The TPM is known not to hold the session: it was reset, or said so. */
  lost(): void {
    this.#end('gone');
  }

  /** Drops the session and has the TPM forget it. Safe to call again, also after it failed. */
  async close(channel: TpmChannel): Promise<void> {
    this.drop();
    if (this.#state === 'gone') return;
    await flushHandle(channel, this.handle);
    this.#end('gone');
  }

  #end(state: 'dropped' | 'gone'): void {
    this.#sessionKey.fill(0);
    this.#unbind();
    this.#state = state;
  }

  #unbind(): void {
    this.#bound?.authValue.fill(0);
    this.#bound = undefined;
  }

  #withSessionValue<T>(authValue: Uint8Array, compute: (key: Uint8Array) => T): T {
    const key = new TpmWriter().bytes(this.#sessionKey).bytes(stripTrailingZeros(authValue)).finish();
    try {
      return compute(key);
    } finally {
      key.fill(0);
    }
  }
}
