import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import {
  CountersignError,
  type Key,
  type KeyAlgorithm,
  type PinProtected,
  type SignatureScheme,
} from '@countersign/core';
import type { RevocableHandle } from './handed-out-keys.ts';
import { keyGone } from '@countersign/state';
import type { KeyStore } from './key-store.ts';
import { pinIncorrect, type Lockout } from './lockout.ts';
import { checkNewPin } from './pin.ts';
import type { ScryptCost } from './scrypt-cost.ts';
import { sealKey, unsealKey } from './sealing.ts';
import { createSigners, schemesOf, type Signer } from './signing.ts';
import type { KeyHeader, SealedKey } from './stored-key.ts';

/** A key without a PIN. */
export class MemoryKey implements Key, RevocableHandle {
  readonly id: string;
  readonly ref: string;
  readonly label: string;
  readonly algorithm: KeyAlgorithm;
  readonly publicKey: Uint8Array;
  readonly schemes: readonly SignatureScheme[];
  #signers: ReadonlyMap<SignatureScheme, Signer> | undefined;
  #revoked: 'closed' | 'destroyed' | undefined;

  constructor(header: KeyHeader, ref: string, privateKey: KeyObject | undefined) {
    this.id = header.id;
    this.ref = ref;
    this.label = header.label;
    this.algorithm = header.algorithm;
    this.publicKey = Uint8Array.from(header.publicKey);
    this.schemes = schemesOf[header.algorithm];
    if (privateKey !== undefined) this.install(privateKey);
  }

  /** The message is hashed or copied before the call returns: the caller may reuse its buffer at once. */
  async sign(scheme: SignatureScheme, message: Uint8Array): Promise<Uint8Array> {
    const signer = this.#signers?.get(scheme);
    if (signer === undefined) throw this.#cannotSign(scheme);
    return signer(message);
  }

  revoke(reason: 'closed' | 'destroyed'): void {
    this.#revoked ??= reason;
    this.#signers = undefined;
  }

  protected get hasPrivateKey(): boolean {
    return this.#signers !== undefined;
  }

  protected install(privateKey: KeyObject): void {
    this.assertUsable();
    this.#signers = createSigners(this.algorithm, privateKey);
  }

  protected dropPrivateKey(): void {
    this.#signers = undefined;
  }

  protected assertUsable(): void {
    if (this.#revoked === 'destroyed') throw keyGone(this.id);
    if (this.#revoked === 'closed') throw providerClosed();
  }

  #cannotSign(scheme: SignatureScheme): CountersignError {
    if (this.#revoked === 'destroyed') return keyGone(this.id);
    if (this.#revoked === 'closed') return providerClosed();
    if (!this.schemes.includes(scheme)) {
      return new CountersignError(
        'SCHEME_NOT_SUPPORTED',
        `a key of the algorithm ${this.algorithm} does not sign with ${scheme.slice(0, 40)}`,
        `Choose one of ${this.schemes.join(', ')}.`,
      );
    }
    return new CountersignError('PIN_REQUIRED', `the key ${this.ref} is locked`, 'Unlock it with its PIN.');
  }
}

/** What a sealed key needs of its provider. */
export interface SealedKeyPlace {
  readonly store: KeyStore;
  readonly lockout: Lockout;
  /** Of keys sealed from now on. */
  readonly cost: ScryptCost;
}

/** A key whose private half is sealed under a PIN and in memory only while unlocked. */
export class PinProtectedMemoryKey extends MemoryKey implements PinProtected {
  readonly #place: SealedKeyPlace;

  constructor(header: KeyHeader, ref: string, place: SealedKeyPlace, privateKey?: KeyObject) {
    super(header, ref, privateKey);
    this.#place = place;
  }

  get locked(): boolean {
    return !this.hasPrivateKey;
  }

  async unlock(pin: Uint8Array): Promise<void> {
    await withCopy(pin, async (pinCopy) => {
      const { pkcs8 } = await this.#unseal(pinCopy);
      try {
        this.install(this.#importKey(pkcs8));
      } finally {
        pkcs8.fill(0);
      }
    });
  }

  lock(): void {
    this.dropPrivateKey();
  }

  async changePin(currentPin: Uint8Array, newPin: Uint8Array): Promise<void> {
    await withCopy(newPin, async (newPinCopy) => {
      checkNewPin(newPinCopy);
      await withCopy(currentPin, async (currentPinCopy) => {
        const { pkcs8, sealed } = await this.#unseal(currentPinCopy);
        try {
          this.#importKey(pkcs8);
          const resealed = await sealKey(sealed, pkcs8, newPinCopy, this.#place.cost);
          await this.#place.store.replace(sealed, resealed);
        } finally {
          pkcs8.fill(0);
        }
      });
    });
  }

  async retriesLeft(): Promise<number> {
    this.assertUsable();
    return this.#place.lockout.triesLeft();
  }

  /** One counted try. */
  async #unseal(pin: Uint8Array): Promise<{ readonly pkcs8: Uint8Array; readonly sealed: SealedKey }> {
    this.assertUsable();
    const sealed = await this.#readSealed();
    const pinTry = await this.#place.lockout.beginTry();
    let pkcs8: Uint8Array | undefined;
    try {
      pkcs8 = await unsealKey(sealed, pin);
    } catch (error) {
      // The PIN was right, it is the file that is not.
      if (error instanceof CountersignError) await pinTry.succeeded();
      throw error;
    }
    if (pkcs8 === undefined) throw pinIncorrect(pinTry.triesLeft);
    try {
      await pinTry.succeeded();
    } catch (error) {
      pkcs8.fill(0);
      throw error;
    }
    return { pkcs8, sealed };
  }

  /** Read anew for each try: another process may have changed the PIN, or destroyed the key. */
  async #readSealed(): Promise<SealedKey> {
    const found = await this.#place.store.find(this.id);
    if (found === undefined || found.protection !== 'pin') throw keyGone(this.id);
    if (Buffer.compare(found.publicKey, this.publicKey) !== 0) throw this.#wrongKey();
    return found;
  }

  #importKey(pkcs8: Uint8Array): KeyObject {
    const bytes = Buffer.from(pkcs8.buffer, pkcs8.byteOffset, pkcs8.length);
    const privateKey = createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8' });
    const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
    if (Buffer.compare(publicKey, this.publicKey) !== 0) throw this.#wrongKey();
    return privateKey;
  }

  #wrongKey(): CountersignError {
    return new CountersignError(
      'KEY_STORE_DAMAGED',
      `the file of the key ${this.id} holds another key than the one that was opened`,
      'Do not use this key. Restore its file from a backup, and find out who can write to the store.',
    );
  }
}

export function providerClosed(): CountersignError {
  return new CountersignError('PROVIDER_CLOSED', 'the memory provider is closed', 'Create a new provider.');
}

/** The caller may wipe its buffer as soon as the call returns, so work goes on with a copy, wiped at the end. */
async function withCopy<T>(pin: Uint8Array, work: (copy: Uint8Array) => Promise<T>): Promise<T> {
  const copy = Uint8Array.from(pin);
  try {
    return await work(copy);
  } finally {
    copy.fill(0);
  }
}
