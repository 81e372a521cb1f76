import { CountersignError } from '@countersign/core';
import type { Session, Slot } from 'graphene-pk11';
import { CKF_LOGIN_REQUIRED, CKF_RW_SESSION, CKF_SERIAL_SESSION } from './cryptoki.ts';
import { SessionPool, type SessionMode } from './session-pool.ts';
import type { SharedModule } from './shared-module.ts';
import { hasReturnValue, TokenError } from './token-error.ts';
import type { TokenLogin } from './token-login.ts';
import { isSame, presentTokens, tokenIn, type PresentToken, type TokenIdentity } from './token-selection.ts';
import type { Turns } from './turns.ts';

/** One provider's way to one token, found again under whatever slot it comes back in. */
export class TokenConnection {
  readonly shared: SharedModule;
  readonly identity: TokenIdentity;
  readonly login: TokenLogin;
  readonly #pool: SessionPool;
  readonly #turns: Turns;
  readonly #changes = new Set<Promise<unknown>>();
  #slot: Slot | undefined;
  #loginRequired: boolean;

  constructor(shared: SharedModule, token: PresentToken, maxSessions: number) {
    this.shared = shared;
    this.identity = token.identity;
    this.login = shared.loginOf(JSON.stringify(token.identity));
    this.#turns = shared.turnsOf(JSON.stringify(token.identity));
    this.#slot = token.slot;
    this.#loginRequired = (token.info.flags & CKF_LOGIN_REQUIRED) !== 0;
    this.#pool = new SessionPool((mode) => this.#openSession(mode), maxSessions);
  }

  /** False for tokens whose keys nothing guards. */
  get loginRequired(): boolean {
    return this.#loginRequired;
  }

  /** The slot that the token is in now. @throws CountersignError `TOKEN_NOT_PRESENT` */
  present(): PresentToken {
    const known = this.#slot === undefined ? undefined : tokenIn(this.#slot);
    if (known !== undefined && isSame(known.identity, this.identity)) return known;
    this.#slot = undefined;
    const found = presentTokens(this.shared.module).find(({ identity }) => isSame(identity, this.identity));
    if (found === undefined) throw this.#notPresent();
    this.#slot = found.slot;
    this.#loginRequired = (found.info.flags & CKF_LOGIN_REQUIRED) !== 0;
    return found;
  }

  /**
   * Does work in a session, and again in a fresh one while it fails for something that a fresh one cures: handles that went
   * stale, an operation that somebody left unfinished. Where other processes make and destroy objects, what was found a
   * moment ago may be gone several times in a row. The work checks each time that the login it needs is there.
   */
  async run<T>(mode: SessionMode, work: (session: Session) => T | Promise<T>): Promise<T> {
    if (mode === 'read-only') return this.#runInSession(mode, work);
    // One change at a time: where one thread destroys objects, SoftHSM fails to make a key on another (CKR_GENERAL_ERROR).
    const change = this.#turns.take(async () => this.#runInSession(mode, work));
    this.#changes.add(change);
    try {
      return await change;
    } finally {
      this.#changes.delete(change);
    }
  }

  /** Ends the changes that wait for their turn, too: their work finds that it is not wanted any more. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#changes);
    await this.#pool.close();
  }

  async #runInSession<T>(mode: SessionMode, work: (session: Session) => T | Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#pool.use(mode, work);
      } catch (error) {
        const isCured = this.#cured(error);
        if (!isCured || attempt === maxAttempts) throw error;
      }
    }
  }

  /** Draws the conclusions from an error. @returns whether trying again makes sense */
  #cured(error: unknown): boolean {
    if (hasReturnValue(error, 'CKR_OPERATION_ACTIVE', 'CKR_OPERATION_NOT_INITIALIZED')) return true;
    if (hasReturnValue(error, 'CKR_OBJECT_HANDLE_INVALID', 'CKR_KEY_HANDLE_INVALID')) {
      this.login.doubt();
      return true;
    }
    if (hasReturnValue(error, 'CKR_SESSION_HANDLE_INVALID', 'CKR_SESSION_CLOSED')) {
      this.#forgetSessions();
      return true;
    }
    if (hasReturnValue(error, 'CKR_USER_NOT_LOGGED_IN')) {
      this.login.doubt();
      return true;
    }
    if (
      hasReturnValue(
        error,
        'CKR_TOKEN_NOT_PRESENT',
        'CKR_TOKEN_NOT_RECOGNIZED',
        'CKR_DEVICE_REMOVED',
        'CKR_DEVICE_ERROR',
        'CKR_SLOT_ID_INVALID',
      )
    ) {
      this.#forgetSessions();
      return false;
    }
    // Modules tell of a lost login in strange ways (NSS: CKR_HOST_MEMORY). Tried again, the work asks for the PIN.
    return error instanceof TokenError && this.login.wasLost();
  }

  /** What the token itself says decides about the login; a token that was only gone for a moment may still know it. */
  #forgetSessions(): void {
    this.#slot = undefined;
    this.#pool.dropIdle();
    this.login.doubt();
  }

  #openSession(mode: SessionMode): Session {
    const { slot } = this.present();
    const flags = mode === 'read-write' ? CKF_SERIAL_SESSION | CKF_RW_SESSION : CKF_SERIAL_SESSION;
    return this.shared.openSession(slot, flags);
  }

  #notPresent(): CountersignError {
    return new CountersignError(
      'TOKEN_NOT_PRESENT',
      `the token ${JSON.stringify(this.identity.label)} (serial ${this.identity.serialNumber}) is in none of the slots`,
      'Insert or reconnect the token and try again; keys must be unlocked anew.',
    );
  }
}

const maxAttempts = 8;
