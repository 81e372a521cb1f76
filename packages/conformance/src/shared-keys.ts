import {
  isKeyAlgorithm,
  isPinProtected,
  type Key,
  type KeyAlgorithm,
  type KeyProvider,
  type SignatureScheme,
} from '@countersign/core';
import type { ConformanceTarget } from './conformance-target.ts';
import { isCountersignError, NotSupported } from './deviation.ts';
import type { SharedProvider } from './shared-provider.ts';

export interface SigningKey {
  readonly key: Key;
  readonly scheme: SignatureScheme;
}

/** One key of each algorithm, made when first wanted and shared by the cases: RSA keys take long to make. */
export class SharedKeys {
  readonly #target: ConformanceTarget;
  readonly #shared: SharedProvider;
  readonly #keys = new Map<KeyAlgorithm, Key>();

  constructor(target: ConformanceTarget, shared: SharedProvider) {
    this.#target = target;
    this.#shared = shared;
  }

  /** Those that the provider states and the target does not skip. */
  get algorithms(): readonly KeyAlgorithm[] {
    const skipped = this.#target.skipAlgorithms ?? [];
    return this.#provider.info.algorithms.filter((name) => isKeyAlgorithm(name) && !skipped.includes(name));
  }

  get cheapest(): KeyAlgorithm {
    const cheapest = byCost.find((name) => this.algorithms.includes(name));
    if (cheapest === undefined) throw new NotSupported('the provider states no algorithm');
    return cheapest;
  }

  /** The key of an algorithm, unlocked. */
  async of(algorithm: KeyAlgorithm): Promise<Key> {
    const known = this.#keys.get(algorithm);
    if (known !== undefined) return this.#unlocked(known);
    const key = await this.#provider.generate({ algorithm, label: `conformance ${algorithm}`, ...this.#pin });
    this.#keys.set(algorithm, key);
    return key;
  }

  /** The cheapest key and its best scheme. */
  async first(): Promise<SigningKey> {
    return withScheme(await this.of(this.cheapest));
  }

  /** The cheapest key of ECDSA, RSA and Ed25519 each, as far as the provider has them; every family of schemes once. */
  async ofEachFamily(): Promise<readonly SigningKey[]> {
    const found: SigningKey[] = [];
    for (const prefix of ['p', 'rsa', 'ed']) {
      const algorithm = byCost.find((name) => name.startsWith(prefix) && this.algorithms.includes(name));
      if (algorithm === undefined) continue;
      const key = await this.of(algorithm);
      for (const family of ['ecdsa', 'rsa-pkcs1', 'rsa-pss', 'ed25519']) {
        const scheme = key.schemes.find((name) => name.startsWith(family));
        if (scheme !== undefined) found.push({ key, scheme });
      }
    }
    return found;
  }

  /** Every key with this scheme. */
  async with(scheme: SignatureScheme): Promise<readonly Key[]> {
    const found: Key[] = [];
    for (const algorithm of this.algorithms) {
      if (!mayHave(algorithm, scheme)) continue;
      const key = await this.of(algorithm);
      if (key.schemes.includes(scheme)) found.push(key);
    }
    if (found.length === 0) throw new NotSupported(`no key of the provider signs with ${scheme}`);
    return found;
  }

  /** Every key of ECDSA or RSA. @throws NotSupported if there is none */
  async withFamily(family: 'ecdsa' | 'rsa'): Promise<readonly Key[]> {
    const prefix = family === 'ecdsa' ? 'p' : 'rsa';
    const found: Key[] = [];
    for (const algorithm of this.algorithms.filter((name) => name.startsWith(prefix))) {
      found.push(await this.of(algorithm));
    }
    if (found.length === 0) throw new NotSupported(`the provider states no ${family.toUpperCase()}`);
    return found;
  }

  /** Some devices want someone logged in before they destroy anything. */
  async assureUse(): Promise<void> {
    await this.of(this.cheapest);
  }

  /** Opens them anew, in a provider that was opened anew; those that it does not have are made anew when wanted. */
  async reopen(): Promise<void> {
    for (const [algorithm, { ref }] of Array.from(this.#keys)) {
      this.#keys.delete(algorithm);
      try {
        this.#keys.set(algorithm, await this.#provider.open(ref));
      } catch (error) {
        if (!isCountersignError(error)) throw error;
      }
    }
  }

  /** Whether the key is gone. */
  async destroyed(ref: string): Promise<boolean> {
    try {
      await this.#provider.destroy(ref);
      return true;
    } catch (error) {
      return isCountersignError(error) && error.code === 'KEY_NOT_FOUND';
    }
  }

  /** @returns references of those that stayed */
  async destroyAll(): Promise<readonly string[]> {
    const left: string[] = [];
    // The cheapest goes last: while it is unlocked, somebody is logged in.
    const last = this.#keys.get(byCost.find((name) => this.#keys.has(name)) ?? 'p256');
    const ordered = [...this.#keys.values()].toSorted((a, b) => Number(a === last) - Number(b === last));
    for (const { ref } of ordered) {
      if (this.#target.allowDestructive === false || !(await this.destroyed(ref))) left.push(ref);
    }
    this.#keys.clear();
    return left;
  }

  async #unlocked(key: Key): Promise<Key> {
    const { pin } = this.#pin;
    if (pin !== undefined && isPinProtected(key) && key.locked) await key.unlock(pin);
    return key;
  }

  get #provider(): KeyProvider {
    return this.#shared.provider;
  }

  get #pin(): { readonly pin?: Uint8Array } {
    return this.#target.pin === undefined ? {} : { pin: Uint8Array.from(this.#target.pin) };
  }
}

export function withScheme(key: Key): SigningKey {
  const [scheme] = key.schemes;
  if (scheme === undefined) throw new NotSupported(`the key ${key.ref} states no scheme`);
  return { key, scheme };
}

const byCost = ['p256', 'ed25519', 'p384', 'p521', 'rsa2048', 'rsa3072', 'rsa4096'] as const;

function mayHave(algorithm: KeyAlgorithm, scheme: SignatureScheme): boolean {
  if (scheme === 'ed25519') return algorithm === 'ed25519';
  return scheme.startsWith('rsa') === algorithm.startsWith('rsa') && algorithm !== 'ed25519';
}
