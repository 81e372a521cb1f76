import { CountersignError } from '@countersign/core';
import type { Session, Slot } from 'graphene-pk11';
import type { PKCS11 } from 'pkcs11js';
import * as ck from './cryptoki.ts';
import { PinFingerprint, pinText } from './pin.ts';
import { assertPinMayBeTried, pinIncorrect, pinStateOf, type PinState } from './pin-state.ts';
import { asTokenError, call, hasReturnValue } from './token-error.ts';

/** One user of a login: an unlocked key, or a provider that logs in from a `pin-source`. */
export class LoginHold {
  /** Whose it is: the provider's own object. */
  readonly owner: object;

  constructor(owner: object) {
    this.owner = owner;
  }
}

/**
 * Who is logged in to one token, for the whole process: Cryptoki logs in applications, not sessions. It lasts while
 * anyone holds it, and a session of its own keeps it alive, because closing the last session logs out.
 */
export class TokenLogin {
  readonly #lib: PKCS11;
  readonly #openSession: (slot: Slot) => Session;
  readonly #holds = new Set<LoginHold>();
  #session: Session | undefined;
  #fingerprint: PinFingerprint | undefined;
  #wrongPins = 0;
  #inDoubt = false;
  #inFlight = 0;
  #generation = 0;

  /** @param openSession opens a read-only session */
  constructor(lib: PKCS11, openSession: (slot: Slot) => Session) {
    this.#lib = lib;
    this.#openSession = openSession;
  }

  /** Changes whenever handles of private objects may have gone stale. */
  get generation(): number {
    return this.#generation;
  }

  holds(hold: LoginHold): boolean {
    return this.#holds.has(hold) && this.confirm();
  }

  heldBy(owner: object): boolean {
    return this.confirm() && [...this.#holds].some((hold) => hold.owner === owner);
  }

  /**
   * Logs in, or checks the PIN against the login there is.
   * @throws CountersignError `PIN_INCORRECT`, `PIN_LOCKED`, `PIN_FINAL_TRY`, `PIN_INVALID`, `TOKEN_NOT_INITIALIZED`
   */
  acquire(slot: Slot, hold: LoginHold, pin: Uint8Array, allowFinalTry: boolean): void {
    if (this.confirmAnew()) this.#checkAgainstLogin(pin);
    else this.#logIn(slot, pin, allowFinalTry);
    this.#holds.add(hold);
  }

  /** Shares a login that someone else of the same owner holds. @throws CountersignError `PIN_REQUIRED` */
  join(hold: LoginHold): void {
    if (!this.heldBy(hold.owner)) {
      throw new CountersignError(
        'PIN_REQUIRED',
        'nobody of this provider is logged in to the token',
        'Unlock a key of this token first.',
      );
    }
    this.#holds.add(hold);
  }

  /** The last to release logs out, when nothing is in flight any more. */
  release(hold: LoginHold): void {
    this.#holds.delete(hold);
    this.#logOutIfUnused();
  }

  pinChanged(newPin: Uint8Array): void {
    if (this.#fingerprint !== undefined) this.#fingerprint = new PinFingerprint(newPin);
  }

  /** Something happened after which the token may have forgotten the login and the handles. */
  doubt(): void {
    this.#inDoubt = true;
    this.#generation += 1;
  }

  /** Asks the token whether a login that was there is there no more. */
  wasLost(): boolean {
    if (this.#session === undefined) return false;
    this.doubt();
    return !this.confirm();
  }

  /** Whether the user is logged in; asks the token where that is in doubt. */
  confirm(): boolean {
    const session = this.#session;
    if (session === undefined) return false;
    if (!this.#inDoubt) return true;
    try {
      const { state } = call('C_GetSessionInfo', () => this.#lib.C_GetSessionInfo(session.handle));
      this.#inDoubt = false;
      if (state === ck.CKS_RO_USER_FUNCTIONS || state === ck.CKS_RW_USER_FUNCTIONS) return true;
    } catch (error) {
      // A session that cannot be asked is one that is no more.
      if (!(error instanceof CountersignError)) throw error;
    }
    this.#forget();
    closeBroken(session);
    return false;
  }

  /** Asks the token in any case: it may have been away, or somebody else have logged out, without anyone having noticed. */
  confirmAnew(): boolean {
    this.#inDoubt = true;
    return this.confirm();
  }

  /** Work in other threads that a logout must not overtake. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#inFlight += 1;
    try {
      return await work();
    } finally {
      this.#inFlight -= 1;
      this.#logOutIfUnused();
    }
  }

  #logIn(slot: Slot, pin: Uint8Array, allowFinalTry: boolean): void {
    const token = call('C_GetTokenInfo', () => slot.getToken());
    assertPinMayBeTried(token.flags, token.label, allowFinalTry);
    const text = pinText(pin);
    const session = this.#openSession(slot);
    try {
      this.#logInWith(session, text);
    } catch (error) {
      closeBroken(session);
      throw hasReturnValue(error, 'CKR_PIN_INCORRECT') ? pinIncorrect(pinStateNow(slot), error) : error;
    }
    this.#session = session;
    this.#fingerprint = new PinFingerprint(pin);
    this.#wrongPins = 0;
    this.#inDoubt = false;
    this.#generation += 1;
  }

  #logInWith(session: Session, text: string): void {
    try {
      call('C_Login', () => session.login(text));
    } catch (error) {
      if (!hasReturnValue(error, 'CKR_USER_ALREADY_LOGGED_IN')) throw error;
      // Somebody else in this process logged in. The token did not look at this PIN, so it has to be made to.
      call('C_Logout', () => session.logout());
      call('C_Login', () => session.login(text));
    }
  }

  /** While somebody is logged in, C_Login looks at no PIN. Three wrong ones end the login, so that the token counts. */
  #checkAgainstLogin(pin: Uint8Array): void {
    if (this.#fingerprint?.matches(pin) === true) {
      this.#wrongPins = 0;
      return;
    }
    this.#wrongPins += 1;
    if (this.#wrongPins >= 3) {
      this.#holds.clear();
      this.#logOutIfUnused();
    }
    throw new CountersignError(
      'PIN_INCORRECT',
      'the PIN is not the one with which this process is logged in to the token',
      'Give the right PIN.',
    );
  }

  #logOutIfUnused(): void {
    const session = this.#session;
    if (session === undefined || this.#holds.size > 0 || this.#inFlight > 0) return;
    this.#forget();
    try {
      call('C_Logout', () => session.logout());
      call('C_CloseSession', () => session.close());
    } catch (error) {
      // A token that was pulled out has logged out already.
      if (!(error instanceof CountersignError)) throw error;
      closeBroken(session);
    }
  }

  #forget(): void {
    this.#session = undefined;
    this.#fingerprint = undefined;
    this.#holds.clear();
    this.#inDoubt = false;
    this.#generation += 1;
  }
}

/** Closes a session that something went wrong with. That it cannot be closed says nothing new. */
export function closeBroken(session: Pick<Session, 'close'>): void {
  try {
    session.close();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
}

function pinStateNow(slot: Slot): PinState | undefined {
  try {
    return pinStateOf(slot.getToken().flags);
  } catch (error) {
    asTokenError('C_GetTokenInfo', error);
    return undefined;
  }
}
