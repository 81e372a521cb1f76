import { createHash } from 'node:crypto';
import {
  CountersignError,
  type AttestsKey,
  type Key,
  type KeyAlgorithm,
  type PinProtected,
  type SignatureScheme,
  type TpmKeyEvidence,
} from '@countersign/core';
import { keyGone, type KeyDirectory } from '@countersign/state';
import { assertNewPin, assertPossiblePin } from '../keys/auth-value.ts';
import { describeStoredKey, readStoredKey, type StoredTpmKey } from '../keys/key-file.ts';
import { schemesIn, SigningRequest } from '../keys/signing.ts';
import {
  computeName,
  objectChangeAuth,
  parsePublicArea,
  policySecret,
  sign,
  type AuthorizedEntity,
} from '../session/index.ts';
import { assertPinMayBeTried, pinRefusal, speaksOfPin } from '../storage/lockout.ts';
import type { LoadableObject } from '../storage/object-slots.ts';
import type { TpmAttestor } from './tpm-attestor.ts';
import type { TpmConnection } from './tpm-connection.ts';

/** What a key needs of its provider. */
export interface TpmKeyPlace {
  readonly connection: TpmConnection;
  readonly files: KeyDirectory;
  readonly attestor: TpmAttestor;
  readonly allowFinalPinTry: boolean;
  /** The key was given another PIN: handles that were unlocked with the old one are to forget it. */
  pinChanged(id: string): void;
}

/** A key in a TPM that is used without an authValue. */
export class TpmKey implements Key, AttestsKey {
  readonly id: string;
  readonly ref: string;
  readonly label: string;
  readonly algorithm: KeyAlgorithm;
  readonly publicKey: Uint8Array;
  readonly schemes: readonly SignatureScheme[];
  protected readonly place: TpmKeyPlace;
  protected stored: StoredTpmKey;
  #revoked: 'closed' | 'destroyed' | undefined;

  constructor(stored: StoredTpmKey, ref: string, place: TpmKeyPlace) {
    this.id = stored.id;
    this.ref = ref;
    this.label = stored.label;
    this.algorithm = stored.key.algorithm;
    this.publicKey = Uint8Array.from(stored.key.subjectPublicKeyInfo);
    this.schemes = schemesIn(this.algorithm, place.connection.abilities.hashes);
    this.stored = stored;
    this.place = place;
  }

  /** What is signed is settled when the call returns: the caller may reuse its buffer at once. */
  async sign(scheme: SignatureScheme, message: Uint8Array): Promise<Uint8Array> {
    this.assertUsable();
    if (!this.schemes.includes(scheme)) throw this.#schemeNotSupported(scheme);
    const request = new SigningRequest(this.stored.key, scheme, message);
    return this.authorized(async (authValue) => {
      const { connection } = this.place;
      const made = await connection.slots.use(loadable(connection, this.stored), async (loaded) => {
        this.assertUsable();
        return sign(connection.pool, withAuth(loaded, authValue), request.digest, request.scheme);
      });
      return request.accept(made);
    });
  }

  async attest(nonce: Uint8Array): Promise<TpmKeyEvidence> {
    this.assertUsable();
    const asked = Uint8Array.from(nonce);
    return this.authorized(async (authValue) =>
      this.place.attestor.certify(loadable(this.place.connection, this.stored), authValue, asked),
    );
  }

  revoke(reason: 'closed' | 'destroyed'): void {
    this.#revoked ??= reason;
  }

  protected async authorized<T>(work: (authValue: Uint8Array) => Promise<T>): Promise<T> {
    return work(new Uint8Array());
  }

  protected assertUsable(): void {
    if (this.#revoked === 'destroyed') throw keyGone(this.id);
    if (this.#revoked === 'closed') throw providerClosed();
  }

  #schemeNotSupported(scheme: string): CountersignError {
    return new CountersignError(
      'SCHEME_NOT_SUPPORTED',
      `a key of the algorithm ${this.algorithm} does not sign with ${scheme.slice(0, 40)} in this TPM`,
      `Choose one of ${this.schemes.join(', ')}.`,
    );
  }
}

/** A key whose authValue is its PIN, protected against guessing by the TPM. */
export class PinProtectedTpmKey extends TpmKey implements PinProtected {
  #pin: Uint8Array | undefined;

  get locked(): boolean {
    return this.#pin === undefined;
  }

  /** Has the TPM check the PIN (TPM2_PolicySecret, which does nothing else). */
  async unlock(pin: Uint8Array): Promise<void> {
    await withCopy(pin, async (copy) => {
      this.assertUsable();
      assertPossiblePin(copy);
      // Another process may have changed the PIN since.
      const stored = await this.#readStored();
      const { connection } = this.place;
      await this.#tryPin(async () => {
        await connection.slots.use(loadable(connection, stored), async (loaded) => {
          const session = await connection.pool.startPolicySession('trial');
          try {
            await policySecret(connection.pool, session, withAuth(loaded, copy));
          } finally {
            await connection.pool.endPolicySession(session);
          }
        });
      });
      this.#install(stored, copy);
    });
  }

  lock(): void {
    this.#pin?.fill(0);
    this.#pin = undefined;
  }

  /**
   * The key stays the same, its file is replaced (TPM2_ObjectChangeAuth). A copy of the old file keeps the old PIN for as
   * long as the storage root key lives.
   */
  async changePin(currentPin: Uint8Array, newPin: Uint8Array): Promise<void> {
    await withCopy(newPin, async (newCopy) => {
      assertNewPin(newCopy);
      await withCopy(currentPin, async (currentCopy) => {
        this.assertUsable();
        assertPossiblePin(currentCopy);
        const stored = await this.#readStored();
        const changed = await this.#changeAuth(stored, currentCopy, newCopy);
        await this.place.files.replace(this.id, stored.file, changed.file);
        const wasUnlocked = !this.locked;
        this.place.pinChanged(this.id);
        if (wasUnlocked) this.#install(changed, newCopy);
        await this.place.connection.slots.drop(slotKeyOf(stored));
      });
    });
  }

  /** What the TPM's own count leaves, for all its keys that are protected against guessing. */
  async retriesLeft(): Promise<number> {
    this.assertUsable();
    return (await this.place.connection.lockoutState()).triesLeft;
  }

  /** Uses a PIN with which the key was just made. */
  unlockAsMade(pin: Uint8Array): void {
    this.#install(this.stored, pin);
  }

  override revoke(reason: 'closed' | 'destroyed'): void {
    super.revoke(reason);
    this.lock();
  }

  /** A copy, because lock() wipes the original while the TPM still works. */
  protected override async authorized<T>(work: (authValue: Uint8Array) => Promise<T>): Promise<T> {
    const pin = this.#pin;
    if (pin === undefined) throw this.#pinRequired();
    return withCopy(pin, async (copy) => {
      try {
        return await work(copy);
      } catch (error) {
        if (!speaksOfPin(error)) throw error;
        // Not once more with this PIN: each time would count.
        this.lock();
        throw pinRefusal(error, await this.place.connection.lockoutState()) ?? error;
      }
    });
  }

  async #changeAuth(stored: StoredTpmKey, currentPin: Uint8Array, newPin: Uint8Array): Promise<StoredTpmKey> {
    const { connection } = this.place;
    if (stored.parent !== connection.storageRootKey.handle) throw otherParent(stored);
    const privateArea = await this.#tryPin(async () =>
      connection.slots.use(loadable(connection, stored), async (loaded) =>
        objectChangeAuth(connection.pool, withAuth(loaded, currentPin), connection.storageRootKey, newPin),
      ),
    );
    return describeStoredKey({ ...stored, privateArea }, stored.label);
  }

  /** One counted try, if the TPM's state allows it. */
  async #tryPin<T>(work: () => Promise<T>): Promise<T> {
    const { connection, allowFinalPinTry } = this.place;
    assertPinMayBeTried(await connection.lockoutState(), allowFinalPinTry);
    try {
      return await work();
    } catch (error) {
      if (!speaksOfPin(error)) throw error;
      throw pinRefusal(error, await connection.lockoutState()) ?? error;
    }
  }

  async #readStored(): Promise<StoredTpmKey> {
    const file = await this.place.files.read(this.id);
    if (file === undefined) throw keyGone(this.id);
    return readStoredKey(file, this.id, this.place.files.pathOf(this.id));
  }

  #install(stored: StoredTpmKey, pin: Uint8Array): void {
    this.assertUsable();
    this.lock();
    this.stored = stored;
    this.#pin = Uint8Array.from(pin);
  }

  #pinRequired(): CountersignError {
    return new CountersignError('PIN_REQUIRED', `the key ${this.ref} is locked`, 'Unlock it with its PIN.');
  }
}

export function slotKeyOf({ privateArea }: StoredTpmKey): string {
  return createHash('sha256').update(privateArea).digest('hex');
}

export function loadable(connection: TpmConnection, stored: StoredTpmKey): LoadableObject {
  const { nameAlgorithm } = parsePublicArea(stored.publicArea);
  return {
    slotKey: slotKeyOf(stored),
    name: computeName(nameAlgorithm, stored.publicArea),
    load: async () => connection.load(stored, stored.parent),
  };
}

export function withAuth(
  { handle, name }: { readonly handle: number; readonly name: Uint8Array },
  authValue: Uint8Array,
): AuthorizedEntity {
  return { handle, name, authorization: { kind: 'hmac', authValue } };
}

export function providerClosed(): CountersignError {
  return new CountersignError('PROVIDER_CLOSED', 'the TPM provider is closed', 'Create a new provider.');
}

function otherParent({ parent }: StoredTpmKey): CountersignError {
  return new CountersignError(
    'PROVIDER_NOT_AVAILABLE',
    `the key hangs under 0x${parent.toString(16)}, and only the PIN of keys under the storage root key is changed here`,
    'Change it with the program that made the key.',
  );
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
