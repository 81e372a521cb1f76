import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { CountersignError, isKeyAlgorithm, keyAlgorithms, type KeyAlgorithm } from '@countersign/core';

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** @throws CountersignError `ALGORITHM_NOT_SUPPORTED` if the name came past the type checker. */
export async function generatePair(algorithm: KeyAlgorithm): Promise<KeyPair> {
  switch (algorithm) {
    case 'p256':
      return generate('ec', { namedCurve: 'P-256' });
    case 'p384':
      return generate('ec', { namedCurve: 'P-384' });
    case 'p521':
      return generate('ec', { namedCurve: 'P-521' });
    case 'rsa2048':
      return generate('rsa', { modulusLength: 2048 });
    case 'rsa3072':
      return generate('rsa', { modulusLength: 3072 });
    case 'rsa4096':
      return generate('rsa', { modulusLength: 4096 });
    case 'ed25519':
      return generate('ed25519', {});
    default:
      throw notSupported(algorithm);
  }
}

export function checkAlgorithm(algorithm: string): void {
  if (!isKeyAlgorithm(algorithm)) throw notSupported(algorithm);
}

const generate = promisify(generateKeyPair);

function notSupported(algorithm: string): CountersignError {
  return new CountersignError(
    'ALGORITHM_NOT_SUPPORTED',
    `the memory provider makes no keys of the algorithm ${algorithm.slice(0, 40)}`,
    `Choose one of ${keyAlgorithms.join(', ')}.`,
  );
}
