import { constants, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { schemesOf, type Key, type KeyAlgorithm, type SignatureScheme } from '@countersign/core';

/** A key in process memory whose private half a test can get at, to sign what no honest key would. */
export class SoftwareKey implements Key {
  readonly ref = 'test:key';
  readonly label = 'test';
  readonly algorithm: KeyAlgorithm;
  readonly privateKey: KeyObject;
  readonly publicKey: Uint8Array;
  readonly schemes: readonly SignatureScheme[];

  constructor(algorithm: KeyAlgorithm, ...schemes: readonly SignatureScheme[]) {
    const { privateKey, publicKey } = generate(algorithm);
    this.algorithm = algorithm;
    this.privateKey = privateKey;
    this.publicKey = publicKey.export({ format: 'der', type: 'spki' });
    this.schemes = schemes.length > 0 ? schemes : schemesOf(algorithm);
  }

  sign(scheme: SignatureScheme, message: Uint8Array): Promise<Uint8Array> {
    return Promise.resolve(this.signNow(scheme, message));
  }

  signNow(scheme: SignatureScheme, message: Uint8Array): Uint8Array {
    const padding = scheme.startsWith('rsa-pss')
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
      : {};
    const hash = scheme === 'ed25519' ? undefined : scheme.slice(-6);
    return Uint8Array.from(sign(hash, message, { key: this.privateKey, ...padding }));
  }
}

function generate(algorithm: KeyAlgorithm): { privateKey: KeyObject; publicKey: KeyObject } {
  if (algorithm === 'ed25519') return generateKeyPairSync('ed25519');
  return algorithm.startsWith('rsa')
    ? generateKeyPairSync('rsa', { modulusLength: Number(algorithm.slice(3)) })
    : generateKeyPairSync('ec', { namedCurve: `P-${algorithm.slice(1)}` });
}
