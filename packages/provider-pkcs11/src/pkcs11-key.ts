import {
  CountersignError,
  type ClaimsKeyOrigin,
  type Key,
  type KeyAlgorithm,
  type KeyOriginClaims,
  type PinProtected,
  type SignatureScheme,
} from '@countersign/core';
import type { Session, SessionObject } from 'graphene-pk11';
import type { Handle } from 'pkcs11js';
import { CKA_ALWAYS_AUTHENTICATE } from './cryptoki.ts';
import { describeKey, findPrivateKey, type FoundKey } from './key-objects.ts';
import { readBoolean } from './object-attributes.ts';
import { readOriginClaims } from './origin-claims.ts';
import { withCopy, withPinFrom } from './pin.ts';
import { assertPinMayBeTried, leastRetriesLeft, pinStateOf, type PinState } from './pin-state.ts';
import { setPin } from './set-pin.ts';
import { SignatureRequest } from './signature-request.ts';
import { beginSignature, finishInBackground, finishNow } from './signing.ts';
import type { SigningPace } from './signing-pace.ts';
import type { TokenConnection } from './token-connection.ts';
import { hasReturnValue } from './token-error.ts';
import { LoginHold } from './token-login.ts';

/** What a key needs of its provider. */
export interface KeyPlace {
  /** The provider, as the owner of holds on the login. */
  readonly owner: object;
  readonly connection: TokenConnection;
  readonly pace: SigningPace;
  readonly allowFinalTry: boolean;
  /** Path of a file with the PIN, which is read whenever the token wants it. */
  readonly pinSource: string | undefined;
}

/** A private key on a token. `PinProtected` by the token's user PIN, which all keys on the token share. */
export class Pkcs11Key implements Key, PinProtected, ClaimsKeyOrigin {
  readonly found: FoundKey;
  readonly ref: string;
  readonly label: string;
  readonly algorithm: KeyAlgorithm;
  readonly publicKey: Uint8Array;
  readonly schemes: readonly SignatureScheme[];
  readonly #place: KeyPlace;
  readonly #hold: LoginHold;
  #handle: { readonly handle: Handle; readonly generation: number } | undefined;
  #alwaysAuthenticate = false;
  /** Kept only for a key that wants its PIN with every signature, and only while unlocked. */
  #keptPin: Uint8Array | undefined;
  /** Whether to unlock from the pin-source: not after lock(), nor after a PIN from it was wrong. */
  #usesPinSource: boolean;
  #revoked: 'closed' | 'destroyed' | undefined;

  constructor(found: FoundKey, ref: string, schemes: readonly SignatureScheme[], place: KeyPlace) {
    this.found = found;
    this.ref = ref;
    this.label = found.label;
    this.algorithm = found.publicKey.algorithm;
    this.publicKey = Uint8Array.from(found.publicKey.subjectPublicKeyInfo);
    this.schemes = schemes;
    this.#place = place;
    this.#hold = new LoginHold(place.owner);
    this.#usesPinSource = place.pinSource !== undefined;
    abandoned.register(this, { hold: this.#hold, connection: place.connection }, this);
  }

  get locked(): boolean {
    if (this.#revoked !== undefined) return true;
    const { connection } = this.#place;
    return connection.loginRequired && !connection.login.holds(this.#hold);
  }

  /** What is signed is settled when the call returns: the caller may reuse its buffer at once. */
  async sign(scheme: SignatureScheme, message: Uint8Array): Promise<Uint8Array> {
    this.#assertUsable();
    if (!this.schemes.includes(scheme)) throw this.#schemeNotSupported(scheme);
    const request = new SignatureRequest(this.found.publicKey, scheme, message);
    if (this.locked && this.#usesPinSource) await this.unlockFromSource();
    try {
      return await this.#signInAnySession(request);
    } catch (error) {
      // The login was lost meanwhile.
      const wantsPin = error instanceof CountersignError && error.code === 'PIN_REQUIRED';
      if (!wantsPin || !this.#usesPinSource) throw error;
    }
    await this.unlockFromSource();
    return this.#signInAnySession(request);
  }

  async unlock(pin: Uint8Array): Promise<void> {
    await withCopy(pin, (copy) => this.#unlockNow(copy));
    await this.#learn();
  }

  /** Unlocks by the login that the provider itself holds, as after generating the key. */
  async unlockFromLogin(): Promise<void> {
    this.#assertUsable();
    const { connection } = this.#place;
    if (connection.loginRequired) connection.login.join(this.#hold);
    await this.#learn();
  }

  /** Unlocks with the PIN in the file that the reference names as pin-source. */
  async unlockFromSource(): Promise<void> {
    const { pinSource } = this.#place;
    if (pinSource === undefined) throw this.#pinRequired();
    try {
      await withPinFrom(pinSource, (pin) => this.#unlockNow(pin));
      await this.#learn();
    } catch (error) {
      // Not again by itself: each try with the wrong PIN counts.
      if (error instanceof CountersignError && error.code === 'PIN_INCORRECT') this.#usesPinSource = false;
      throw error;
    }
  }

  lock(): void {
    this.#usesPinSource = false;
    this.#dropAccess();
  }

  async changePin(currentPin: Uint8Array, newPin: Uint8Array): Promise<void> {
    await withCopy(currentPin, (current) =>
      withCopy(newPin, async (replacement) => {
        this.#assertUsable();
        const { connection, allowFinalTry } = this.#place;
        await setPin(connection, current, replacement, allowFinalTry);
        if (this.#keptPin !== undefined) this.#keepPin(replacement);
      }),
    );
  }

  /** The least that it can be: PKCS #11 does not tell the number. 0: locked; 1: the final try; 2: two or more. */
  async retriesLeft(): Promise<number> {
    return leastRetriesLeft(await this.pinState());
  }

  /** All that the token says of the tries that are left. */
  async pinState(): Promise<PinState> {
    this.#assertUsable();
    return pinStateOf(this.#place.connection.present().info.flags);
  }

  /** @throws CountersignError `PIN_REQUIRED` if the key is locked, as the token shows private keys only after a login */
  async originClaims(): Promise<KeyOriginClaims> {
    this.#assertUsable();
    const { connection } = this.#place;
    return connection.run('read-only', (session) => {
      this.#assertUsable();
      if (this.locked) throw this.#pinRequired();
      return readOriginClaims(this.#find(session), connection.present().info);
    });
  }

  revoke(reason: 'closed' | 'destroyed'): void {
    this.#revoked ??= reason;
    this.#dropAccess();
  }

  #unlockNow(pin: Uint8Array): void {
    this.#assertUsable();
    const { connection, allowFinalTry } = this.#place;
    const { slot, info } = connection.present();
    if (!connection.loginRequired) return;
    if (!connection.login.confirm()) assertPinMayBeTried(info.flags, info.label, allowFinalTry);
    connection.login.acquire(slot, this.#hold, pin, allowFinalTry);
    this.#keepPin(pin);
  }

  async #signInAnySession(request: SignatureRequest): Promise<Uint8Array> {
    return this.#place.connection.run('read-only', (session) => this.#signIn(session, request));
  }

  async #signIn(session: Session, request: SignatureRequest): Promise<Uint8Array> {
    const { connection, pace } = this.#place;
    const { lib } = connection.shared;
    const handle = this.#privateKey(session);
    const pin = this.#alwaysAuthenticate ? this.#keptPin : undefined;
    if (this.#alwaysAuthenticate && pin === undefined) throw this.#pinRequired();
    try {
      if (this.algorithm.startsWith('rsa') || pace.isSlow) {
        return await connection.login.during(async () => {
          beginSignature(lib, session, request, handle, pin);
          return finishInBackground(lib, session, request);
        });
      }
      const start = performance.now();
      beginSignature(lib, session, request, handle, pin);
      const signature = finishNow(lib, session, request);
      pace.took(performance.now() - start);
      return signature;
    } catch (error) {
      // A PIN that became wrong must not be spent again with the next signature.
      if (pin !== undefined && hasReturnValue(error, ...pinRefused)) this.lock();
      throw error;
    }
  }

  /** Synchronous up to its end, so that a lock() or a close() cannot come between the check and the use. */
  #privateKey(session: Session): Handle {
    this.#assertUsable();
    if (this.locked) throw this.#pinRequired();
    const { login } = this.#place.connection;
    if (this.#handle?.generation !== login.generation) {
      const object = this.#find(session);
      this.#alwaysAuthenticate = readBoolean(object, CKA_ALWAYS_AUTHENTICATE) === true;
      if (!this.#alwaysAuthenticate) this.#wipePin();
      this.#handle = { handle: object.handle, generation: login.generation };
    }
    return this.#handle.handle;
  }

  #find(session: Session): SessionObject {
    const { login, loginRequired } = this.#place.connection;
    // After a logout that nobody noticed the token shows no private keys: that must not look as if this one were destroyed.
    if (loginRequired && !login.confirmAnew()) throw this.#pinRequired();
    return findPrivateKey(session, this.found);
  }

  /** Finds the private half, and whether it wants its PIN each time; where not, no copy of the PIN stays. */
  async #learn(): Promise<void> {
    try {
      await this.#place.connection.run('read-only', (session) => this.#privateKey(session));
    } catch (error) {
      this.#dropAccess();
      throw error;
    }
  }

  #keepPin(pin: Uint8Array): void {
    this.#wipePin();
    this.#handle = undefined;
    this.#keptPin = Uint8Array.from(pin);
  }

  #wipePin(): void {
    this.#keptPin?.fill(0);
    this.#keptPin = undefined;
  }

  #dropAccess(): void {
    this.#wipePin();
    this.#handle = undefined;
    this.#place.connection.login.release(this.#hold);
  }

  #assertUsable(): void {
    if (this.#revoked === 'closed') throw providerClosed();
    if (this.#revoked === 'destroyed') {
      throw new CountersignError(
        'KEY_NOT_FOUND',
        `the key ${describeKey(this.found)} was destroyed`,
        'List the keys of the provider to see which there are.',
      );
    }
  }

  #schemeNotSupported(scheme: string): CountersignError {
    return new CountersignError(
      'SCHEME_NOT_SUPPORTED',
      `a key of the algorithm ${this.algorithm} does not sign with ${scheme.slice(0, 40)} on this token`,
      `Choose one of ${this.schemes.join(', ')}.`,
    );
  }

  #pinRequired(): CountersignError {
    return new CountersignError(
      'PIN_REQUIRED',
      `the key ${describeKey(this.found)} is locked`,
      'Unlock it with the user PIN of its token.',
    );
  }
}

const pinRefused = ['CKR_PIN_INCORRECT', 'CKR_PIN_LOCKED', 'CKR_PIN_EXPIRED'];

/** A key that was dropped without lock() must not keep its token logged in for ever. */
const abandoned = new FinalizationRegistry<{
  readonly hold: LoginHold;
  readonly connection: TokenConnection;
}>(({ hold, connection }) => connection.login.release(hold));

export function providerClosed(): CountersignError {
  return new CountersignError('PROVIDER_CLOSED', 'the PKCS#11 provider is closed', 'Create a new provider.');
}
