import { DerReader } from '../../asn1/der-reader.ts';
import { CountersignError } from '../../errors.ts';
import { ecPublicKey, rsaPublicKey } from '../../keys/assemble-public-key.ts';
import { ellipticCurves, type EllipticCurve } from '../../keys/elliptic-curve.ts';
import type { PublicKey } from '../../keys/public-key.ts';
import { BlobReader } from './blob-reader.ts';
import { keyCredentialMalformed } from './key-credential-malformed.ts';

/** `RSA1`, BCRYPT_RSAPUBLIC_MAGIC. */
const rsaMagic = 0x31415352;

/** `ECS1`, `ECS3` and `ECS5`: BCRYPT_ECDSA_PUBLIC_P256_MAGIC and those after it. Keys for ECDH sign nothing. */
const eccMagics: Readonly<Record<EllipticCurve['algorithm'], number>> = {
  p256: 0x31534345,
  p384: 0x33534345,
  p521: 0x35534345,
};

export function isBcryptKeyBlob(octets: Uint8Array): boolean {
  return octets.length >= 4 && (magicOf(octets) === rsaMagic || curveOf(magicOf(octets)) !== undefined);
}

/** A public key as CNG exports it: BCRYPT_RSAKEY_BLOB (MS-ADTS 2.2.20.5.1) or BCRYPT_ECCKEY_BLOB. */
export function parseBcryptKeyBlob(octets: Uint8Array): PublicKey {
  const reader = new BlobReader(octets, 'key blob');
  const curve = curveOf(reader.u32le());
  const publicKey = curve === undefined ? readRsa(reader) : readEcc(reader, curve);
  reader.end();
  return publicKey;
}

/** @throws CountersignError `ALGORITHM_NOT_SUPPORTED` for Ed25519, which CNG has no blob for */
export function encodeBcryptKeyBlob(publicKey: PublicKey): Uint8Array {
  const { curve, subjectPublicKey } = publicKey;
  if (curve !== undefined) {
    const header = u32le(eccMagics[curve.algorithm], curve.coordinateBytes);
    return Uint8Array.from([...header, ...subjectPublicKey.subarray(1)]);
  }
  if (publicKey.rsaModulusBytes === undefined) {
    throw new CountersignError(
      'ALGORITHM_NOT_SUPPORTED',
      'an Ed25519 key has no form as a BCRYPT key blob',
      'Use an RSA key, which every reader of key credentials knows, or a key on a NIST curve.',
    );
  }
  const reader = DerReader.sequence(subjectPublicKey, 'RSA public key');
  const modulus = reader.unsignedInteger();
  const exponent = reader.unsignedInteger();
  const header = u32le(rsaMagic, modulus.length * 8, exponent.length, modulus.length, 0, 0);
  return Uint8Array.from([...header, ...exponent, ...modulus]);
}

function readRsa(reader: BlobReader): PublicKey {
  const bitLength = reader.u32le();
  const [exponentLength, modulusLength] = [reader.u32le(), reader.u32le()];
  if (reader.u32le() !== 0 || reader.u32le() !== 0) {
    throw keyCredentialMalformed('a BCRYPT_RSAKEY_BLOB has the lengths of primes, as only private keys do');
  }
  const exponent = reader.take(exponentLength);
  const modulus = reader.take(modulusLength);
  const [first = 0] = modulus;
  if (first === 0 || bitLength !== modulus.length * 8 - Math.clz32(first) + 24) {
    throw keyCredentialMalformed(
      `a BCRYPT_RSAKEY_BLOB announces ${bitLength} bits, which its modulus of ${modulus.length} octets has not`,
    );
  }
  if (exponent.length === 0 || exponent[0] === 0) {
    throw keyCredentialMalformed('the exponent in a BCRYPT_RSAKEY_BLOB is empty or longer than it need be');
  }
  return rsaPublicKey(modulus, exponent);
}

function readEcc(reader: BlobReader, curve: EllipticCurve): PublicKey {
  const length = reader.u32le();
  if (length !== curve.coordinateBytes) {
    throw keyCredentialMalformed(
      `a BCRYPT_ECCKEY_BLOB announces coordinates of ${length} octets; its curve has ${curve.coordinateBytes}`,
    );
  }
  return ecPublicKey(curve, reader.take(length), reader.take(length));
}

function magicOf(octets: Uint8Array): number {
  return new BlobReader(octets, 'key blob').u32le();
}

function curveOf(magic: number): EllipticCurve | undefined {
  return ellipticCurves.find(({ algorithm }) => eccMagics[algorithm] === magic);
}

function u32le(...values: readonly number[]): Uint8Array {
  const octets = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) octets.writeUInt32LE(value, 4 * i);
  return octets;
}
