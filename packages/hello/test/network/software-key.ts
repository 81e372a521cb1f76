import { constants, generateKeyPair, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { schemesOf, type Key, type KeyAlgorithm, type SignatureScheme } from '@countersign/core';

/** A key of `node:crypto` behind the interface that providers implement; it shows how often it signed. */
export async function softwareKey(
  algorithm: KeyAlgorithm,
  schemes: readonly SignatureScheme[] = schemesOf(algorithm),
): Promise<Key & { readonly signatures: () => number }> {
  const { publicKey, privateKey } = await generate(algorithm);
  let signatures = 0;
  return {
    ref: `test:${algorithm}`,
    label: algorithm,
    algorithm,
    publicKey: Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' })),
    schemes,
    signatures: () => signatures,
    sign: async (scheme, message) => {
      signatures++;
      return Promise.resolve(signature(privateKey, scheme, message));
    },
  };
}

const generatePair = promisify(generateKeyPair);

async function generate(algorithm: KeyAlgorithm): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> {
  switch (algorithm) {
    case 'p256':
    case 'p384':
    case 'p521':
      return generatePair('ec', { namedCurve: `P-${algorithm.slice(1)}` });
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
