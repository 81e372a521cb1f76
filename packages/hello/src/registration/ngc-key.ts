import { encodeBcryptKeyBlob, parseBcryptKeyBlob, PublicKey } from '@countersign/core';

/** First octet of a SubjectPublicKeyInfo: SEQUENCE. No BCRYPT key blob begins so. */
const sequenceTag = 0x30;

/**
 * The octets that `kngc` and `ngc_key` hold in base64. RSA keys are BCRYPT_RSAKEY_BLOBs (MS-ADTS 2.2.20.5.1), as Windows
 * sends them. Beyond the protocol, and as key credentials have them here: keys on NIST curves are BCRYPT_ECCKEY_BLOBs,
 * Ed25519 keys, which CNG has no blob for, SubjectPublicKeyInfo.
 */
export function encodeNgcKey(publicKey: PublicKey): Uint8Array {
  return publicKey.algorithm === 'ed25519' ? publicKey.subjectPublicKeyInfo : encodeBcryptKeyBlob(publicKey);
}

/**
 * @throws CountersignError `KEY_CREDENTIAL_MALFORMED` for octets that are no such blob, `DER_MALFORMED`, and what
 *   `PublicKey.parse` throws for a key that is not sound
 */
export function parseNgcKey(octets: Uint8Array): PublicKey {
  return octets[0] === sequenceTag ? PublicKey.parse(octets) : parseBcryptKeyBlob(octets);
}
