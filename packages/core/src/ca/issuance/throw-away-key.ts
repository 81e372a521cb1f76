import { constants, generateKeyPair, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { Key } from '../../keys/key-provider.ts';
import { hashBytes, schemeFacts } from '../../keys/signature-algorithm.ts';
import type { SignatureScheme } from '../../keys/signature-scheme.ts';

/**
 * A key that nobody trusts, made for signatures that must look like the CA's and be worth nothing: whatever is wrong
 * with a certificate shows before the CA's own key has signed it.
 * @param scheme the CA's
 */
export async function createThrowAwayKey(scheme: SignatureScheme): Promise<Pick<Key, 'sign'>> {
  const { hash, family } = schemeFacts(scheme);
  const privateKey = await generate(family);
  const options = signOptions(privateKey, family, hash === undefined ? 0 : hashBytes[hash]);
  return { sign: (_, message) => Promise.resolve(Uint8Array.from(sign(hash, message, options))) };
}

type Family = ReturnType<typeof schemeFacts>['family'];

async function generate(family: Family): Promise<KeyObject> {
  switch (family) {
    case 'ecdsa':
      return (await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' })).privateKey;
    case 'rsa-pkcs1':
    case 'rsa-pss':
      return (await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })).privateKey;
    case 'ed25519':
      return (await promisify(generateKeyPair)('ed25519')).privateKey;
  }
}

function signOptions(key: KeyObject, family: Family, saltLength: number): Parameters<typeof sign>[2] {
  return family === 'rsa-pss' ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength } : key;
}
