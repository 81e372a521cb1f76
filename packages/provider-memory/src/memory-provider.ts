import { randomBytes } from 'node:crypto';
import {
  CountersignError,
  keyAlgorithms,
  type CertificateStore,
  type Key,
  type KeyDescription,
  type KeyProvider,
  type KeySpec,
  type PinProtected,
  type ProviderInfo,
  type StoredCertificate,
} from '@countersign/core';
import { checkCertifies } from './certificate-check.ts';
import { DirectoryStore } from './directory-store.ts';
import { HandedOutKeys } from './handed-out-keys.ts';
import { checkAlgorithm, generatePair } from './key-generation.ts';
import { lookUp, refOf } from './key-lookup.ts';
import type { KeyStore } from './key-store.ts';
import { createFileLockoutRecord, createProcessLockoutRecord } from './lockout-record.ts';
import { Lockout, type LockoutOptions } from './lockout.ts';
import { MemoryKey, PinProtectedMemoryKey, providerClosed, type SealedKeyPlace } from './memory-key.ts';
import { checkNewPin } from './pin.ts';
import { ProcessStore } from './process-store.ts';
import { checkScryptCost, defaultScryptCost, type ScryptCost } from './scrypt-cost.ts';
import { sealKey } from './sealing.ts';
import type { KeyHeader, StoredKey } from './stored-key.ts';

export interface MemoryProviderOptions {
  /** Where sealed keys are kept; made with mode 0700. Without it nothing is at rest and keys end with the provider. */
  readonly storeDirectory?: string;
  /** What a PIN guess costs someone who has the files; default N=2^17, r=8, p=1. */
  readonly sealing?: { readonly scryptCost?: ScryptCost };
  readonly lockout?: LockoutOptions;
  /** The time, for the lockout and `createdAt`. */
  readonly clock?: () => Date;
}

/** Keys in process memory. A key made with a PIN is `PinProtected`; with a store directory every key is. */
export interface MemoryProvider extends KeyProvider, CertificateStore {
  generate(spec: KeySpec & { readonly pin: Uint8Array }): Promise<Key & PinProtected>;
  generate(spec: KeySpec): Promise<Key>;
}

/**
 * @throws CountersignError `VALUE_OUT_OF_RANGE` for an option, `STATE_DAMAGED` or `FILE_UNWRITABLE` for the directory.
 */
export async function createMemoryProvider(options: MemoryProviderOptions = {}): Promise<MemoryProvider> {
  const clock = options.clock ?? (() => new Date());
  const cost = checkScryptCost(options.sealing?.scryptCost ?? defaultScryptCost);
  if (options.storeDirectory === undefined) {
    const lockout = new Lockout(createProcessLockoutRecord(), clock, options.lockout);
    return new StoredKeyProvider(new ProcessStore(), lockout, cost, clock);
  }
  const store = await DirectoryStore.open(options.storeDirectory);
  const lockout = new Lockout(createFileLockoutRecord(store.directory), clock, options.lockout);
  return new StoredKeyProvider(store, lockout, cost, clock);
}

class StoredKeyProvider implements MemoryProvider {
  readonly info: ProviderInfo;
  readonly #store: KeyStore;
  readonly #place: SealedKeyPlace;
  readonly #clock: () => Date;
  readonly #handedOut = new HandedOutKeys();
  #closed = false;

  constructor(store: KeyStore, lockout: Lockout, cost: ScryptCost, clock: () => Date) {
    this.#store = store;
    this.#place = { store, lockout, cost };
    this.#clock = clock;
    this.info = {
      scheme: 'memory',
      description:
        store.directory === undefined
          ? 'keys in process memory'
          : `keys in process memory, sealed in ${store.directory}`,
      algorithms: keyAlgorithms,
      destruction:
        store.directory === undefined
          ? 'dropped from memory; nothing was at rest'
          : 'the sealed file was removed; copies of it elsewhere stay sealed under the PIN',
    };
  }

  generate(spec: KeySpec & { readonly pin: Uint8Array }): Promise<Key & PinProtected>;
  generate(spec: KeySpec): Promise<Key>;
  async generate(spec: KeySpec): Promise<Key> {
    this.#assertOpen();
    checkAlgorithm(spec.algorithm);
    const label = checkLabel(spec.label ?? '');
    const pin = spec.pin === undefined ? undefined : Uint8Array.from(spec.pin);
    try {
      if (pin !== undefined) checkNewPin(pin);
      else if (this.#store.directory !== undefined) throw pinRequired();
      return await this.#makeKey(spec, label, pin);
    } finally {
      pin?.fill(0);
    }
  }

  async open(ref: string): Promise<Key> {
    return this.#handOut(await this.#lookUp(ref));
  }

  async list(): Promise<readonly KeyDescription[]> {
    this.#assertOpen();
    return (await this.#store.list()).map((key) => ({
      ref: refOf(this.#store, key.id),
      label: key.label,
      algorithm: key.algorithm,
      publicKey: Uint8Array.from(key.publicKey),
    }));
  }

  async destroy(ref: string): Promise<void> {
    const { id } = await this.#lookUp(ref);
    await this.#store.remove(id);
    this.#handedOut.revokeDestroyed(id);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#handedOut.revokeAll();
    this.#store.close();
  }

  async putCertificate(ref: string, certificate: Uint8Array): Promise<void> {
    const der = Uint8Array.from(certificate);
    const key = await this.#lookUp(ref);
    checkCertifies(der, key.publicKey);
    await this.#store.putCertificate(key.id, der);
  }

  async getCertificate(ref: string): Promise<Uint8Array | undefined> {
    return this.#store.findCertificate((await this.#lookUp(ref)).id);
  }

  async listCertificates(): Promise<readonly StoredCertificate[]> {
    this.#assertOpen();
    const found: StoredCertificate[] = [];
    for (const { id } of await this.#store.list()) {
      const certificate = await this.#store.findCertificate(id);
      if (certificate !== undefined) found.push({ ref: refOf(this.#store, id), certificate });
    }
    return found;
  }

  async removeCertificate(ref: string): Promise<void> {
    await this.#store.removeCertificate((await this.#lookUp(ref)).id);
  }

  async #makeKey(spec: KeySpec, label: string, pin: Uint8Array | undefined): Promise<Key> {
    const pair = await generatePair(spec.algorithm);
    const header: KeyHeader = {
      id: randomBytes(16).toString('hex'),
      label,
      algorithm: spec.algorithm,
      publicKey: pair.publicKey.export({ format: 'der', type: 'spki' }),
      createdAt: this.#clock(),
    };
    const ref = refOf(this.#store, header.id);
    if (pin === undefined) {
      const key: StoredKey = { ...header, protection: 'none', privateKey: pair.privateKey };
      this.#assertOpen();
      await this.#store.add(key);
      return this.#handOut(key);
    }
    const pkcs8 = pair.privateKey.export({ format: 'der', type: 'pkcs8' });
    try {
      const sealed = await sealKey(header, pkcs8, pin, this.#place.cost);
      this.#assertOpen();
      await this.#store.add(sealed);
    } finally {
      pkcs8.fill(0);
    }
    return this.#remember(new PinProtectedMemoryKey(header, ref, this.#place, pair.privateKey));
  }

  #handOut(key: StoredKey): Key {
    const ref = refOf(this.#store, key.id);
    if (key.protection === 'none') return this.#remember(new MemoryKey(key, ref, key.privateKey));
    return this.#remember(new PinProtectedMemoryKey(key, ref, this.#place));
  }

  #remember<T extends MemoryKey>(key: T): T {
    this.#assertOpen();
    this.#handedOut.add(key);
    return key;
  }

  async #lookUp(ref: string): Promise<StoredKey> {
    this.#assertOpen();
    return lookUp(this.#store, ref);
  }

  #assertOpen(): void {
    if (this.#closed) throw providerClosed();
  }
}

const maxLabelCharacters = 255;

function checkLabel(label: string): string {
  if (label.isWellFormed() && label.length <= maxLabelCharacters) return label;
  throw new CountersignError(
    'VALUE_OUT_OF_RANGE',
    `the label is not well-formed Unicode of at most ${maxLabelCharacters} characters`,
    'Choose a shorter label.',
  );
}

function pinRequired(): CountersignError {
  return new CountersignError(
    'PIN_REQUIRED',
    'a key that is kept in a directory is sealed under a PIN, and none was given',
    'Give a PIN of 4 to 127 characters.',
  );
}
