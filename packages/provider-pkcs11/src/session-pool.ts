import type { Session } from 'graphene-pk11';
import { hasReturnValue } from './token-error.ts';
import { closeBroken } from './token-login.ts';

export type SessionMode = 'read-only' | 'read-write';

/**
 * The sessions of one provider with one token, at most `maxSessions` at a time. Read-only ones are kept for the next use,
 * read-write ones, of which tokens have few, are closed. A session in which anything failed is never used again.
 */
export class SessionPool {
  readonly #openSession: (mode: SessionMode) => Session;
  readonly #maxSessions: number;
  readonly #idle: Session[] = [];
  readonly #waiting: (() => void)[] = [];
  #open = 0;

  constructor(openSession: (mode: SessionMode) => Session, maxSessions: number) {
    this.#openSession = openSession;
    this.#maxSessions = maxSessions;
  }

  async use<T>(mode: SessionMode, work: (session: Session) => T | Promise<T>): Promise<T> {
    const session = this.#takeNow(mode) ?? (await this.#take(mode));
    let sound = false;
    try {
      const result = await work(session);
      sound = true;
      return result;
    } finally {
      this.#giveBack(session, mode, sound);
    }
  }

  /** Ends the sessions that nobody uses: after a sign that the token forgot them all. */
  dropIdle(): void {
    for (const session of this.#idle.splice(0)) {
      closeBroken(session);
      this.#open -= 1;
    }
    this.#wakeAll();
  }

  /** Resolves when every session is closed. Nothing may be begun after this. */
  async close(): Promise<void> {
    for (;;) {
      this.dropIdle();
      if (this.#open === 0) return;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async #take(mode: SessionMode): Promise<Session> {
    for (;;) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      const session = this.#takeNow(mode);
      if (session !== undefined) return session;
    }
  }

  /** @returns undefined if a session must be waited for */
  #takeNow(mode: SessionMode): Session | undefined {
    if (mode === 'read-only') {
      const idle = this.#idle.pop();
      if (idle !== undefined) return idle;
    }
    if (this.#open >= this.#maxSessions && !this.#closeOneIdle()) return undefined;
    this.#open += 1;
    try {
      return this.#openSession(mode);
    } catch (error) {
      this.#open -= 1;
      // The token's own bound is lower than ours: wait for one of the sessions it did open.
      if (hasReturnValue(error, 'CKR_SESSION_COUNT') && this.#open > this.#idle.length) return undefined;
      this.#wakeAll();
      throw error;
    }
  }

  #closeOneIdle(): boolean {
    const idle = this.#idle.pop();
    if (idle === undefined) return false;
    closeBroken(idle);
    this.#open -= 1;
    return true;
  }

  #giveBack(session: Session, mode: SessionMode, sound: boolean): void {
    if (sound && mode === 'read-only') {
      this.#idle.push(session);
    } else {
      this.#open -= 1;
      // Where that fails, the work is done all the same: to throw here would have it done twice.
      closeBroken(session);
    }
    this.#waiting.shift()?.();
  }

  #wakeAll(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
