import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { KeyDescription, SignatureScheme } from '@countersign/core';
import type { Breaks, PinKey } from './wrapped-provider.ts';

/** Key pairs of a broken provider’s own, which it shows and uses in the place of those in the store. */
export class OwnKeys {
  readonly #nameOf: (key: KeyDescription) => string;
  readonly #pairs = new Map<string, { readonly privateKey: KeyObject; readonly publicKey: Uint8Array }>();

  /** @param nameOf keys of one name get one pair */
  constructor(nameOf: (key: KeyDescription) => string = ({ ref }) => ref) {
    this.#nameOf = nameOf;
  }

  privateKey(key: KeyDescription): KeyObject {
    return this.#pairOf(key).privateKey;
  }

  publicKey(key: KeyDescription): Uint8Array {
    return Uint8Array.from(this.#pairOf(key).publicKey);
  }

  #pairOf(key: KeyDescription) {
    const name = this.#nameOf(key);
    const known = this.#pairs.get(name);
    if (known !== undefined) return known;
    const { privateKey, publicKey } =
      key.algorithm === 'rsa2048'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const made = { privateKey, publicKey: publicKey.export({ format: 'der', type: 'spki' }) };
    this.#pairs.set(name, made);
    return made;
  }
}

/**
 * Breaks with own keys, once the real key has agreed to sign.
 * @param extra members for each key
 */
export function withOwnKeys(
  sign: (privateKey: KeyObject, scheme: SignatureScheme, message: Uint8Array) => Uint8Array,
  extra: (privateKey: KeyObject, key: PinKey) => object = () => ({}),
  own = new OwnKeys(),
): Breaks {
  return {
    rsa: true,
    withoutCertificates: true,
    provider: (right) => ({
      list: async () =>
        (await right.list()).map((one) => Object.assign(one, { publicKey: own.publicKey(one) })),
    }),
    key: (right) => ({
      publicKey: own.publicKey(right),
      sign: async (scheme, message) => {
        const given = Uint8Array.from(message);
        await right.sign(scheme, given);
        return sign(own.privateKey(right), scheme, given);
      },
    }),
    extra: (key) => extra(own.privateKey(key), key),
  };
}
