import type { KeyAlgorithm, SignatureScheme } from '@countersign/core';
import { formatPkcs11Uri, type Pkcs11Provider, type TokenKey } from '@countersign/provider-pkcs11';
import { afterAll, expect } from 'vitest';
import { softHsm, temporaryFolder, userPin, utf8, type ModuleUnderTest } from '../module-under-test.ts';
import { verifies } from '../verifies.ts';
import { BackDoor } from './back-door.ts';
import { buildFaultShim, type FaultShim } from './fault-shim.ts';

/** SoftHSM with one token, behind the shim. */
export interface FaultyToken extends ModuleUnderTest {
  readonly shim: FaultShim;
  readonly backDoor: BackDoor;
}

export async function faultyToken(): Promise<FaultyToken> {
  const module = await softHsm();
  const shim = await buildFaultShim(module.modulePath, await temporaryFolder());
  const backDoor = new BackDoor(module.modulePath, module.tokenLabel, userPin);
  afterAll(() => shim.close());
  return { ...module, modulePath: shim.modulePath, shim, backDoor };
}

export function uriOf({ tokenLabel, modulePath }: ModuleUnderTest): string {
  return formatPkcs11Uri({ token: tokenLabel, modulePath });
}

/** The three ways in which signatures are made: by algorithm, and on which thread. */
export type SigningPath = 'P-256' | 'P-256 in the background' | 'RSA-2048';

export const signingPaths: readonly SigningPath[] = ['P-256', 'P-256 in the background', 'RSA-2048'];

export function algorithmOf(path: SigningPath): KeyAlgorithm {
  return path === 'RSA-2048' ? 'rsa2048' : 'p256';
}

export function schemeOf(path: SigningPath): SignatureScheme {
  return path === 'RSA-2048' ? 'rsa-pss-sha256' : 'ecdsa-sha256';
}

/** A key, unlocked, of a provider that signs with it on this path. */
export async function keyOnPath(
  { shim }: FaultyToken,
  provider: Pkcs11Provider,
  path: SigningPath,
): Promise<TokenKey> {
  const key = await provider.generate({ algorithm: algorithmOf(path), label: path, pin: utf8(userPin) });
  if (path === 'P-256 in the background') {
    // One signature that takes this long is enough to have the next ones made in the background.
    shim.delaySignatures(60);
    await key.sign('ecdsa-sha256', utf8('slow'));
    shim.delaySignatures(0);
  }
  return key;
}

/** Signs, and has OpenSSL verify the signature. */
export async function signAndVerify(key: TokenKey, path: SigningPath, message: Uint8Array): Promise<void> {
  const signature = await key.sign(schemeOf(path), message);
  expect(verifies(schemeOf(path), key.publicKey, message, signature)).toBe(true);
}
