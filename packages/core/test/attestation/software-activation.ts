import {
  constants,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  privateDecrypt,
  type KeyObject,
} from 'node:crypto';
import { join, u32, type Hash, type TpmKey } from './software-tpm.ts';

/** A storage key and what TPM2_ActivateCredential does with it (TPM 2.0 part 1, 24.4). */
export interface ActivatingKey {
  readonly key: TpmKey;
  readonly hash: Hash;
  readonly aesBits: 128 | 256;
}

/** @returns the secret, or undefined where a TPM answers TPM_RC_INTEGRITY */
export function activateCredential(
  { key, hash, aesBits }: ActivatingKey,
  objectName: Uint8Array,
  credentialBlob: Uint8Array,
  encryptedSecret: Uint8Array,
): Uint8Array | undefined {
  const seed = recoverSeed(key.privateKey, hash, encryptedSecret);
  const integrityBytes = Buffer.from(credentialBlob).readUInt16BE();
  const integrity = credentialBlob.subarray(2, 2 + integrityBytes);
  const encrypted = credentialBlob.subarray(2 + integrityBytes);
  const bits = 8 * createHash(hash).digest().length;
  const integrityKey = counterMode(hash, seed, join(text('INTEGRITY\0'), u32(bits)), bits);
  const expected = createHmac(hash, integrityKey).update(encrypted).update(objectName).digest();
  if (!expected.equals(integrity)) return undefined;
  const storageKey = counterMode(hash, seed, join(text('STORAGE\0'), objectName, u32(aesBits)), aesBits);
  const decipher = createDecipheriv(`aes-${aesBits}-cfb`, storageKey, Buffer.alloc(16));
  const plain = Buffer.concat([decipher.update(encrypted), decipher.final()]);
  return Uint8Array.from(plain.subarray(2, 2 + plain.readUInt16BE()));
}

function recoverSeed(privateKey: KeyObject, hash: Hash, encryptedSecret: Uint8Array): Uint8Array {
  if (privateKey.asymmetricKeyType === 'rsa') {
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    return privateDecrypt(
      { key: privateKey, padding, oaepHash: hash, oaepLabel: text('IDENTITY\0') },
      encryptedSecret,
    );
  }
  const size = Buffer.from(encryptedSecret).readUInt16BE();
  const x = encryptedSecret.subarray(2, 2 + size);
  const y = encryptedSecret.subarray(4 + size);
  const own = createPublicKey(privateKey).export({ format: 'jwk' });
  const ephemeral = createPublicKey({
    format: 'jwk',
    key: { kty: 'EC', crv: own.crv ?? '', x: base64url(x), y: base64url(y) },
  });
  const z = diffieHellman({ privateKey, publicKey: ephemeral });
  const info = join(u32(1), z, text('IDENTITY\0'), x, Buffer.from(own.x ?? '', 'base64url'));
  return createHash(hash).update(info).digest();
}

/** KDFa where one block is enough, as it is here. */
function counterMode(hash: Hash, key: Uint8Array, rest: Uint8Array, bits: number): Uint8Array {
  return createHmac(hash, key)
    .update(u32(1))
    .update(rest)
    .digest()
    .subarray(0, bits / 8);
}

function base64url(octets: Uint8Array): string {
  return Buffer.from(octets).toString('base64url');
}

function text(value: string): Uint8Array {
  return Buffer.from(value, 'latin1');
}
