import { rsaPublicKey } from '../../keys/assemble-public-key.ts';
import type { PublicKey } from '../../keys/public-key.ts';
import { BlobReader } from './blob-reader.ts';
import { keyCredentialMalformed } from './key-credential-malformed.ts';

/** `PCPM` */
const magic = 0x4d504350;
const tpm20 = 2;
/** Octets of the header up to the length of TPM2B_PUBLIC. */
const wordsRead = 20;
/** TPM_ALG_ID (TPM 2.0 part 2, 6.3) */
const algorithmRsa = 0x0001;
const algorithmNull = 0x0010;
/** What an exponent of 0 stands for (TPM 2.0 part 2, 12.2.3.5). */
const defaultExponent = 65537;

export function isPcpKeyBlob(octets: Uint8Array): boolean {
  return octets.length >= 4 && new BlobReader(octets, 'PCP key blob').u32le() === magic;
}

/**
 * The public key in a key blob of the Microsoft Platform Crypto Provider: a header that says how long it and its parts
 * are, then TPM2B_PUBLIC. What follows, the private part under the TPM's own key among it, is nobody's here.
 */
export function parsePcpKeyBlob(octets: Uint8Array): PublicKey {
  const reader = new BlobReader(octets, 'PCP key blob');
  reader.u32le();
  const headerLength = reader.u32le();
  const type = reader.u32le();
  if (type !== tpm20) throw keyCredentialMalformed(`a PCP key blob is of type ${type}; expected 2, TPM 2.0`);
  reader.u32le();
  const publicLength = reader.u32le();
  if (headerLength < wordsRead) {
    throw keyCredentialMalformed(`a PCP key blob has a header of ${headerLength} octets`);
  }
  // Headers differ in length between versions of Windows: theirs is the word for where they end.
  reader.take(headerLength - wordsRead);
  const publicArea = new BlobReader(reader.take(publicLength), 'TPM2B_PUBLIC');
  const area = new BlobReader(publicArea.take(publicArea.u16be()), 'TPMT_PUBLIC');
  publicArea.end();
  return readRsaPublicArea(area);
}

/** TPMT_PUBLIC (TPM 2.0 part 2, 12.2.4) of an RSA key, which all keys are that the provider makes for users. */
function readRsaPublicArea(area: BlobReader): PublicKey {
  const type = area.u16be();
  if (type !== algorithmRsa) {
    throw keyCredentialMalformed(`TPMT_PUBLIC is of type ${type.toString(16)}; expected 1, RSA`);
  }
  // nameAlg, objectAttributes, authPolicy
  area.take(6);
  area.take(area.u16be());
  const symmetric = area.u16be();
  if (symmetric !== algorithmNull) area.take(4);
  const scheme = area.u16be();
  // TPM_ALG_RSAES alone has no hash; the provider gives its keys no scheme or one to sign with.
  if (scheme !== algorithmNull) area.take(2);
  const bits = area.u16be();
  const exponent = area.u32be() || defaultExponent;
  const modulus = area.take(area.u16be());
  area.end();
  if (modulus.length * 8 !== bits) {
    throw keyCredentialMalformed(
      `TPMT_PUBLIC announces ${bits} bits, its modulus has ${modulus.length} octets`,
    );
  }
  return rsaPublicKey(modulus, Uint8Array.of(exponent >>> 24, exponent >>> 16, exponent >>> 8, exponent));
}
