import { tag } from '../../asn1/tag.ts';
import { DerReader } from '../../asn1/der-reader.ts';
import { rsaPublicKeyOf } from '../../keys/assemble-public-key.ts';
import { PublicKey } from '../../keys/public-key.ts';
import { isBcryptKeyBlob, parseBcryptKeyBlob } from './bcrypt-key-blob.ts';
import { parseFidoKey, type FidoKey } from './fido-key.ts';
import { keyCredentialMalformed } from './key-credential-malformed.ts';
import type { KeyUsage } from './key-usage.ts';
import { isPcpKeyBlob, parsePcpKeyBlob } from './pcp-key-blob.ts';

/** The KeyMaterial entry: its octets, which KeyID is the hash of, and the public key in them. */
export type KeyMaterial =
  | {
      /**
       * `bcrypt` is BCRYPT_RSAKEY_BLOB or BCRYPT_ECCKEY_BLOB, `rsaPublicKey` RFC 8017 A.1.1 (keys of computers),
       * `pcp` the blob of the Microsoft Platform Crypto Provider (keys in a TPM).
       */
      readonly format: 'bcrypt' | 'rsaPublicKey' | 'subjectPublicKeyInfo' | 'pcp';
      readonly octets: Uint8Array;
      readonly publicKey: PublicKey;
    }
  | (FidoKey & { readonly format: 'fido'; readonly octets: Uint8Array })
  | { readonly format: 'opaque'; readonly octets: Uint8Array };

/**
 * Reads key material by its first octets, as its writers tell it apart; that of usages which are no key pairs is left as
 * it is.
 */
export function parseKeyMaterial(octets: Uint8Array, usage: KeyUsage): KeyMaterial {
  switch (usage) {
    case 'ngc':
    case 'stk':
      return parseKeyPairMaterial(octets);
    case 'fido':
      return { format: 'fido', octets, ...parseFidoKey(octets) };
    case 'adminKey':
    case 'bitLockerRecovery':
    case 'other':
    case 'fek':
      return { format: 'opaque', octets };
  }
}

function parseKeyPairMaterial(octets: Uint8Array): KeyMaterial {
  if (isBcryptKeyBlob(octets)) return { format: 'bcrypt', octets, publicKey: parseBcryptKeyBlob(octets) };
  if (isPcpKeyBlob(octets)) return { format: 'pcp', octets, publicKey: parsePcpKeyBlob(octets) };
  if (octets[0] !== tag.sequence) {
    const found = Buffer.from(octets.subarray(0, 4)).toString('hex');
    throw keyCredentialMalformed(`the key material begins with ${found}, which is no key that is known`);
  }
  const isRsaPublicKey = DerReader.sequence(octets, 'key material').at(tag.integer);
  return isRsaPublicKey
    ? { format: 'rsaPublicKey', octets, publicKey: rsaPublicKeyOf(octets) }
    : { format: 'subjectPublicKeyInfo', octets, publicKey: PublicKey.parse(octets) };
}
