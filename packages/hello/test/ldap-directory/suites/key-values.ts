import { createHash, generateKeyPairSync } from 'node:crypto';
import {
  createKeyCredential,
  encodeDnWithBinary,
  fromRegisteredKeyCredential,
  PublicKey,
} from '@countersign/core';

export type KeyKind = 'rsa-2048' | 'p-256' | 'p-384' | 'ed25519';

/** SubjectPublicKeyInfo of a new key, DER. */
export function newKey(kind: KeyKind = 'p-256'): Uint8Array {
  return Uint8Array.from(keyPair(kind).publicKey.export({ format: 'der', type: 'spki' }));
}

function keyPair(kind: KeyKind): ReturnType<typeof generateKeyPairSync> {
  switch (kind) {
    case 'rsa-2048':
      return generateKeyPairSync('rsa', { modulusLength: 2048 });
    case 'ed25519':
      return generateKeyPairSync('ed25519');
    case 'p-256':
    case 'p-384':
      return generateKeyPairSync('ec', { namedCurve: kind === 'p-256' ? 'P-256' : 'P-384' });
  }
}

export function keyIdOf(publicKey: Uint8Array): string {
  return createHash('sha256').update(publicKey).digest('hex');
}

/** The value of msDS-KeyCredentialLink for a Windows Hello key that this user registered. */
export function helloKeyValue(
  distinguishedName: string,
  publicKey: Uint8Array,
  registeredAt = new Date('2026-01-02T03:04:05.678Z'),
): string {
  const { keyId, subjectPublicKeyInfo } = PublicKey.parse(publicKey);
  const registered = { keyId, publicKey: subjectPublicKeyInfo, registeredAt };
  return encodeDnWithBinary({ octets: fromRegisteredKeyCredential(registered).octets, distinguishedName });
}

/** One that Countersign writes for nobody: the key of a file system (FEK). */
export function otherUsageValue(distinguishedName: string): string {
  const { octets } = createKeyCredential({ keyMaterial: newKey(), usage: 'fek', createdAt: new Date(0) });
  return encodeDnWithBinary({ octets, distinguishedName });
}

/** One that no reader can make sense of. */
export function senselessValue(distinguishedName: string, octets = Uint8Array.of(0, 2, 0, 0, 0xff)): string {
  return encodeDnWithBinary({ octets, distinguishedName });
}
