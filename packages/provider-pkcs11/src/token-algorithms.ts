import {
  CountersignError,
  keyAlgorithms,
  schemesOf,
  type KeyAlgorithm,
  type SignatureScheme,
} from '@countersign/core';
import type { Slot } from 'graphene-pk11';
import type { PKCS11 } from 'pkcs11js';
import * as ck from './cryptoki.ts';
import { call } from './token-error.ts';

/** What a token can do, by its own list of mechanisms. */
export class TokenAlgorithms {
  readonly #mechanisms: ReadonlySet<number>;
  /** What the token makes keys of and signs with, best first. */
  readonly algorithms: readonly KeyAlgorithm[];

  constructor(lib: PKCS11, slot: Slot) {
    const { handle } = slot;
    this.#mechanisms = new Set(call('C_GetMechanismList', () => lib.C_GetMechanismList(handle)));
    this.algorithms = keyAlgorithms.filter((algorithm) => {
      const generation = generationMechanism(algorithm);
      if (!this.#mechanisms.has(generation) || this.schemesOf(algorithm).length === 0) return false;
      const { minKeySize, maxKeySize } = call('C_GetMechanismInfo', () =>
        lib.C_GetMechanismInfo(handle, generation),
      );
      const bits = keyBits(algorithm);
      // Zero: the token does not say. For Edwards curves tokens count in different units.
      return algorithm === 'ed25519' || maxKeySize === 0 || (minKeySize <= bits && bits <= maxKeySize);
    });
  }

  /** What a key of this algorithm signs with on this token, best first. */
  schemesOf(algorithm: KeyAlgorithm): readonly SignatureScheme[] {
    return schemesOf(algorithm).filter((scheme) => this.#mechanisms.has(signingMechanism(scheme)));
  }

  /** @throws CountersignError `ALGORITHM_NOT_SUPPORTED` */
  assertMakes(algorithm: KeyAlgorithm): void {
    if (this.algorithms.includes(algorithm)) return;
    throw new CountersignError(
      'ALGORITHM_NOT_SUPPORTED',
      `the token makes no keys of the algorithm ${algorithm.slice(0, 40)}`,
      this.algorithms.length === 0
        ? 'Use another token: this one makes no keys that Countersign knows.'
        : `Choose one of ${this.algorithms.join(', ')}.`,
    );
  }
}

export function generationMechanism(algorithm: KeyAlgorithm): number {
  if (algorithm === 'ed25519') return ck.CKM_EC_EDWARDS_KEY_PAIR_GEN;
  return algorithm.startsWith('rsa') ? ck.CKM_RSA_PKCS_KEY_PAIR_GEN : ck.CKM_EC_KEY_PAIR_GEN;
}

export function keyBits(algorithm: KeyAlgorithm): number {
  return algorithm === 'ed25519' ? 255 : Number(algorithm.replace(/^(?:rsa|p)/, ''));
}

function signingMechanism(scheme: SignatureScheme): number {
  if (scheme === 'ed25519') return ck.CKM_EDDSA;
  if (scheme.startsWith('ecdsa')) return ck.CKM_ECDSA;
  return scheme.startsWith('rsa-pss') ? ck.CKM_RSA_PKCS_PSS : ck.CKM_RSA_PKCS;
}
