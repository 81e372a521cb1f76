import { CountersignError } from '@countersign/core';
import type { AuthSession } from './auth-session.ts';
import {
  executeCommand,
  type CommandAuthorization,
  type SessionUse,
  type TpmCommand,
  type TpmResult,
} from './execute-command.ts';
import { startAuthSession, type SessionHash, type SessionOptions } from './start-auth-session.ts';
import type { TpmChannel } from './tpm-channel.ts';
import { missingSessionIndex } from './missing-session.ts';

/** How the use of an entity is authorized. AuthValues are copied when the call is made; the caller wipes its own. */
export type Authorization = HmacAuthorization | PolicyAuthorization | PasswordAuthorization;

/** Proves in the pool's session that the authValue is known; it does not cross the bus. */
export interface HmacAuthorization {
  readonly kind: 'hmac';
  readonly authValue: Uint8Array;
}

/** A policy session of this pool in which the policy was satisfied. The command uses it up. */
export interface PolicyAuthorization {
  readonly kind: 'policy';
  readonly session: AuthSession;
  /** Of the entity, where it has one; whether it is proved is up to the policy. */
  readonly authValue?: Uint8Array;
}

/** The authValue crosses the bus in clear. */
export interface PasswordAuthorization {
  readonly kind: 'password';
  readonly authValue: Uint8Array;
}

/**
 * Sessions on one channel: keeps one HMAC session for as long as it can be relied on and runs every command in it, one
 * after the other, each first parameter encrypted that can be. A session that ended, by a TPM reset, an eviction, a
 * refusal or a response that was not authentic, is followed by a new one with the very same protection, never by less.
 */
export class SessionPool {
  readonly #channel: TpmChannel;
  readonly #options: SessionOptions;
  #session: AuthSession | undefined;
  readonly #policySessions = new Set<AuthSession>();
  /** Dropped sessions that the TPM may still hold. */
  readonly #unflushed = new Set<AuthSession>();
  #queue: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** @param options the protection of every session; the pool keeps its own copy of a bound authValue. */
  constructor(channel: TpmChannel, options: SessionOptions) {
    this.#channel = channel;
    const { bind } = options;
    this.#options =
      bind === undefined
        ? options
        : { ...options, bind: { ...bind, authValue: Uint8Array.from(bind.authValue) } };
  }

  /**
   * @param authorizations one for each handle that needs one, in their order.
   * @param newAuthValue of the first handle once the command is done, where the command changes it.
   * @throws what `executeCommand` throws, `PROVIDER_CLOSED`.
   */
  async execute(
    command: TpmCommand,
    authorizations: readonly Authorization[],
    newAuthValue?: Uint8Array,
  ): Promise<TpmResult> {
    const copies = authorizations.map(copyOf);
    const parameters = Uint8Array.from(command.parameters);
    const newCopy = newAuthValue === undefined ? {} : { newAuthValue: Uint8Array.from(newAuthValue) };
    try {
      return await this.#exclusively(async () =>
        this.#executeOrRetry({ ...command, parameters }, copies, newCopy),
      );
    } finally {
      parameters.fill(0);
      newCopy.newAuthValue?.fill(0);
      for (const copy of copies) copy.authValue?.fill(0);
    }
  }

  /**
   * A policy session with the same salt, unbound. It ends with the command that it authorizes, or with the pool.
   * @param hash that of the pool's sessions if absent; a policy is satisfied in the nameAlg of what it is the policy of.
   */
  async startPolicySession(
    kind: 'policy' | 'trial' = 'policy',
    hash: SessionHash | undefined = this.#options.hash,
  ): Promise<AuthSession> {
    return this.#exclusively(async () => {
      await this.#flushRemains();
      const { bind: _unbound, ...options } = this.#options;
      const session = await startAuthSession(this.#channel, kind, {
        ...options,
        ...(hash === undefined ? {} : { hash }),
      });
      this.#policySessions.add(session);
      return session;
    });
  }

  async endPolicySession(session: AuthSession): Promise<void> {
    await this.#exclusively(async () => {
      this.#policySessions.delete(session);
      await this.#flush(session);
    });
  }

  /** For exchanges outside any session that must not come between two commands of the pool. */
  async withChannel<T>(work: (channel: TpmChannel) => Promise<T>): Promise<T> {
    return this.#exclusively(async () => work(this.#channel));
  }

  /**
   * The TPM was reset, and every session went with it: the transport calls this where it knows. Without it the TPM's
   * own answer tells, unless somebody else has got a session with the same handle by then.
   */
  forgetSessions(): void {
    for (const session of [this.#session, ...this.#policySessions, ...this.#unflushed]) session?.lost();
    this.#session = undefined;
    this.#policySessions.clear();
    this.#unflushed.clear();
  }

  /** Flushes every session, after the commands that are under way. Safe to call again. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#inTurn(async () => {
      for (const session of [this.#session, ...this.#policySessions]) {
        if (session !== undefined) this.#unflushed.add(session);
      }
      this.#session = undefined;
      this.#policySessions.clear();
      for (const session of this.#unflushed) session.drop();
      this.#options.bind?.authValue.fill(0);
      await this.#flushRemains();
    });
  }

  async #executeOrRetry(
    command: TpmCommand,
    authorizations: readonly Authorization[],
    change: { readonly newAuthValue?: Uint8Array },
  ): Promise<TpmResult> {
    const hmacSessions: AuthSession[] = [];
    try {
      return await this.#executeOnce(command, authorizations, change, hmacSessions);
    } catch (error) {
      const isGone = missingSessionIndex(error) !== undefined || error instanceof StaleSession;
      const policyInvolved = authorizations.some(({ kind }) => kind === 'policy');
      if (!isGone || policyInvolved) throw error;
      for (const session of hmacSessions) session.lost();
    }
    return this.#executeOnce(command, authorizations, change, []);
  }

  async #executeOnce(
    command: TpmCommand,
    authorizations: readonly Authorization[],
    change: { readonly newAuthValue?: Uint8Array },
    hmacSessions: AuthSession[],
  ): Promise<TpmResult> {
    try {
      const uses: CommandAuthorization[] = [];
      for (const [index, authorization] of authorizations.entries()) {
        uses.push({
          ...(await this.#useOf(authorization, hmacSessions)),
          ...(index === 0 ? change : {}),
        });
      }
      return await executeCommand(this.#channel, command, await this.#protect(command, uses, hmacSessions));
    } finally {
      await this.#settle(authorizations, hmacSessions);
    }
  }

  async #useOf(authorization: Authorization, hmacSessions: AuthSession[]): Promise<CommandAuthorization> {
    switch (authorization.kind) {
      case 'password':
        return authorization;
      case 'policy':
        return sessionUse(authorization.session, authorization.authValue ?? empty, false);
      case 'hmac': {
        const session = await this.#nextHmacSession(hmacSessions);
        return sessionUse(session, authorization.authValue, session === this.#session);
      }
    }
  }

  /**
   * Puts the encryption of both first parameters on the pool's session, which joins the command if it authorizes nothing
   * in it. Where there is nothing to encrypt it joins as an audit session, so that something vouches for the response.
   */
  async #protect(
    command: TpmCommand,
    uses: readonly CommandAuthorization[],
    hmacSessions: AuthSession[],
  ): Promise<readonly CommandAuthorization[]> {
    const { sizedRequest: decrypt, sizedResponse: encrypt } = command.layout;
    const hmac = uses.findIndex((use) => use.kind === 'session' && use.session.kind === 'hmac');
    if (hmac !== -1) {
      return uses.map((use, index) =>
        index === hmac && use.kind === 'session' ? { ...use, decrypt, encrypt } : use,
      );
    }
    const joined = sessionUse(await this.#nextHmacSession(hmacSessions), empty, true);
    return [...uses, { ...joined, decrypt, encrypt, audit: !decrypt && !encrypt }];
  }

  /** The lasting session, then, for commands with several authorizations, sessions for this command alone. */
  async #nextHmacSession(hmacSessions: AuthSession[]): Promise<AuthSession> {
    const lasting = hmacSessions.length === 0 ? this.#session : undefined;
    if (lasting?.usable === true) {
      hmacSessions.push(lasting);
      return lasting;
    }
    await this.#flushRemains();
    const session = await startAuthSession(this.#channel, 'hmac', this.#options);
    await this.#refuseStaleTwin(session, hmacSessions);
    if (hmacSessions.length === 0) this.#session = session;
    hmacSessions.push(session);
    return session;
  }

  /** A new session under the handle of another: that one ended with a reset, and its HMAC would count as a wrong one. */
  async #refuseStaleTwin(session: AuthSession, hmacSessions: readonly AuthSession[]): Promise<void> {
    if (!hmacSessions.some(({ handle }) => handle === session.handle)) return;
    session.drop();
    await this.#flush(session);
    throw new StaleSession();
  }

  /** Sessions of one command are flushed after it, sessions that ended are forgotten. */
  async #settle(
    authorizations: readonly Authorization[],
    hmacSessions: readonly AuthSession[],
  ): Promise<void> {
    for (const session of hmacSessions) {
      if (session !== this.#session) this.#unflushed.add(session);
      else if (!session.usable) {
        this.#unflushed.add(session);
        this.#session = undefined;
      }
    }
    for (const authorization of authorizations) {
      if (authorization.kind !== 'policy' || authorization.session.usable) continue;
      this.#policySessions.delete(authorization.session);
      this.#unflushed.add(authorization.session);
    }
    for (const session of this.#unflushed) {
      session.drop();
      if (session.gone) this.#unflushed.delete(session);
    }
  }

  async #flushRemains(): Promise<void> {
    for (const session of this.#unflushed) await this.#flush(session);
  }

  async #flush(session: AuthSession): Promise<void> {
    this.#unflushed.add(session);
    await session.close(this.#channel);
    this.#unflushed.delete(session);
  }

  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      if (this.#closed) {
        throw new CountersignError(
          'PROVIDER_CLOSED',
          'the TPM sessions are closed',
          'Create a new provider.',
        );
      }
      return work();
    });
  }

  /** Whoever waits in the queue does not care how the work before it ended: its own caller was told. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }
}

/** Nothing was sent: the command is composed anew. */
class StaleSession extends CountersignError {
  constructor() {
    super(
      'TPM_SESSION_NOT_USABLE',
      'the TPM was reset, and the sessions with it',
      'Try again: a new session is started.',
    );
  }
}

function sessionUse(session: AuthSession, authValue: Uint8Array, continueSession: boolean): SessionUse {
  return {
    kind: 'session',
    session,
    authValue,
    continueSession,
    decrypt: false,
    encrypt: false,
    audit: false,
  };
}

function copyOf(authorization: Authorization): Authorization {
  const { authValue } = authorization;
  return authValue === undefined
    ? authorization
    : { ...authorization, authValue: Uint8Array.from(authValue) };
}

const empty = new Uint8Array();
