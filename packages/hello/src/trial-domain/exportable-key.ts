import { generateKeyPair, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { schemesOf, type Key } from '@countersign/core';

/**
 * A key of `node:crypto` behind the interface of providers, which other programs can be given: for servers that read
 * theirs from a file. Users' keys come from a provider.
 */
export interface ExportableKey extends Key {
  /** PKCS #8, PEM. */
  readonly privateKeyPem: string;
}

export async function generateExportableKey(algorithm: 'p256' | 'rsa2048'): Promise<ExportableKey> {
  const { publicKey, privateKey } = await generate(algorithm);
  return {
    ref: `exportable:${algorithm}`,
    label: algorithm,
    algorithm,
    publicKey: Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' })),
    schemes: schemesOf(algorithm),
    sign: async (scheme, message) => {
      const [, hash] = /-(sha\d+)$/u.exec(scheme) ?? [];
      return Promise.resolve(Uint8Array.from(sign(hash, message, privateKey)));
    },
    privateKeyPem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
}

const generatePair = promisify(generateKeyPair);

async function generate(
  algorithm: 'p256' | 'rsa2048',
): Promise<{ readonly publicKey: KeyObject; readonly privateKey: KeyObject }> {
  return algorithm === 'p256'
    ? generatePair('ec', { namedCurve: 'P-256' })
    : generatePair('rsa', { modulusLength: 2048 });
}
