import { constants, generateKeyPair, sign, webcrypto, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { schemesOf, type Key, type KeyAlgorithm, type SignatureScheme } from '@countersign/core';
import * as fc from 'fast-check';

/** A key of `node:crypto` that core, WebCrypto (for the libraries) and a PEM file (for OpenSSL) can all sign with. */
export interface SoftwareKey extends Key {
  /** PKCS#8. */
  readonly pem: string;
  readonly webCrypto: (scheme: SignatureScheme) => Promise<WebCryptoKeys>;
}

export interface WebCryptoKeys {
  readonly privateKey: webcrypto.CryptoKey;
  readonly publicKey: webcrypto.CryptoKey;
}

/** A key and the scheme that it is to sign with. */
export interface Signer {
  readonly key: SoftwareKey;
  readonly scheme: SignatureScheme;
}

/**
 * Keys are costly, RSA above all: every case picks from a pool. Signers print as their algorithm and scheme.
 * A chain takes four different keys, so pools for chains hold `keysEach` = 4 of every algorithm.
 */
export async function createSigners(algorithms: readonly KeyAlgorithm[], keysEach = 1): Promise<Signer[]> {
  const keys = await Promise.all(Array.from({ length: keysEach }, () => algorithms.map(softwareKey)).flat());
  return keys.flatMap((key) =>
    key.schemes.map((scheme) => ({
      key,
      scheme,
      [fc.toStringMethod]: () => `${key.algorithm}/${scheme}`,
    })),
  );
}

/** One of these signers, seldom one whose arithmetic is slow. */
export function signerFrom(signers: readonly Signer[]): fc.Arbitrary<Signer> {
  const algorithms = [...new Set(signers.map(({ key }) => key.algorithm))];
  return fc.oneof(
    ...algorithms.map((algorithm) => ({
      weight: algorithm === 'p256' ? 8 : algorithm === 'rsa2048' ? 4 : 1,
      arbitrary: fc.constantFrom(...signers.filter(({ key }) => key.algorithm === algorithm)),
    })),
  );
}

export async function softwareKey(algorithm: KeyAlgorithm): Promise<SoftwareKey> {
  const { publicKey, privateKey } = await generate(algorithm);
  const spki = Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' }));
  const pkcs8 = Uint8Array.from(privateKey.export({ format: 'der', type: 'pkcs8' }));
  const imported = new Map<SignatureScheme, Promise<WebCryptoKeys>>();
  return {
    ref: `test:${algorithm}`,
    label: algorithm,
    algorithm,
    publicKey: spki,
    schemes: schemesOf(algorithm),
    sign: (scheme, message) => Promise.resolve(signature(privateKey, scheme, message)),
    pem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    webCrypto(scheme) {
      const keys = imported.get(scheme) ?? importKeys(pkcs8, spki, algorithm, scheme);
      imported.set(scheme, keys);
      return keys;
    },
  };
}

/** `SHA-256` for `ecdsa-sha256`: how WebCrypto writes it. */
export function webCryptoHash(scheme: SignatureScheme): string {
  return `SHA-${/sha(\d+)$/.exec(scheme)?.[1] ?? '512'}`;
}

const generatePair = promisify(generateKeyPair);

async function generate(algorithm: KeyAlgorithm): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> {
  switch (algorithm) {
    case 'p256':
    case 'p384':
    case 'p521':
      return generatePair('ec', { namedCurve: curve(algorithm) });
    case 'rsa2048':
    case 'rsa3072':
    case 'rsa4096':
      return generatePair('rsa', { modulusLength: Number(algorithm.slice(3)) });
    case 'ed25519':
      return generatePair('ed25519');
  }
}

function signature(key: KeyObject, scheme: SignatureScheme, message: Uint8Array): Uint8Array {
  const hash = /sha\d+$/.exec(scheme)?.[0];
  const padding = scheme.startsWith('rsa-pss')
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : {};
  return Uint8Array.from(sign(hash, message, { key, ...padding }));
}

async function importKeys(
  pkcs8: Uint8Array<ArrayBuffer>,
  spki: Uint8Array<ArrayBuffer>,
  keyAlgorithm: KeyAlgorithm,
  scheme: SignatureScheme,
): Promise<WebCryptoKeys> {
  const { subtle } = webcrypto;
  const algorithm = webCryptoAlgorithm(keyAlgorithm, scheme);
  return {
    privateKey: await subtle.importKey('pkcs8', pkcs8, algorithm, true, ['sign']),
    publicKey: await subtle.importKey('spki', spki, algorithm, true, ['verify']),
  };
}

function webCryptoAlgorithm(
  algorithm: KeyAlgorithm,
  scheme: SignatureScheme,
): { name: string; namedCurve: string } | { name: string; hash: string } | { name: string } {
  if (scheme === 'ed25519') return { name: 'Ed25519' };
  if (scheme.startsWith('ecdsa')) return { name: 'ECDSA', namedCurve: curve(algorithm) };
  const name = scheme.startsWith('rsa-pss') ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5';
  return { name, hash: webCryptoHash(scheme) };
}

function curve(algorithm: KeyAlgorithm): string {
  return `P-${algorithm.slice(1)}`;
}
