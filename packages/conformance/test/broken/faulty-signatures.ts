import { constants, createECDH, createHash, sign, type KeyObject } from 'node:crypto';
import type { SignatureScheme } from '@countersign/core';
import { DerReader, sequence, unsignedInteger } from '@countersign/core/asn1';

/** As the scheme wants it, but for the salt of RSASSA-PSS. */
export function signWithSalt(saltLength: number | undefined) {
  return (key: KeyObject, scheme: SignatureScheme, message: Uint8Array): Uint8Array => {
    const hash = scheme.slice(-6);
    if (!scheme.startsWith('rsa-pss')) return sign(hash, message, key);
    const octets = saltLength ?? Number(hash.slice(3)) / 8;
    return sign(hash, message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: octets });
  };
}

export const signRightly = signWithSalt(undefined);

/** ECDSA with one and the same secret number each time: the textbook formula (FIPS 186-5 6.4.1). */
export function signWithConstantNonce(
  key: KeyObject,
  scheme: SignatureScheme,
  message: Uint8Array,
): Uint8Array {
  if (!scheme.startsWith('ecdsa')) return signRightly(key, scheme, message);
  const nonce = 0x1234567890abcdefn;
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(nonce.toString(16).padStart(64, '0'), 'hex');
  const r = toBigInt(ecdh.getPublicKey().subarray(1, 33)) % order;
  const d = toBigInt(Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url'));
  const digest = toBigInt(createHash('sha256').update(message).digest());
  const s = (power(nonce, order - 2n) * (digest + r * d)) % order;
  return sequence(unsignedInteger(fromBigInt(r)), unsignedInteger(fromBigInt(s)));
}

/** r and s as 32 octets each, as IEEE P1363 has it. */
export function rawValue(signature: Uint8Array): Uint8Array {
  return Buffer.concat(
    readValue(signature).map((half) => Buffer.concat([Buffer.alloc(32 - half.length), half])),
  );
}

/** BER that DER does not allow: INTEGERs with a zero octet too many. */
export function paddedValue(signature: Uint8Array): Uint8Array {
  const padded = readValue(signature).map((half) => {
    const contents = Buffer.concat([Buffer.alloc(34 - half.length), half]);
    return Buffer.concat([Buffer.of(0x02, contents.length), contents]);
  });
  const contents = Buffer.concat(padded);
  return Buffer.concat([Buffer.of(0x30, contents.length), contents]);
}

function readValue(signature: Uint8Array): readonly [Uint8Array, Uint8Array] {
  const reader = DerReader.sequence(signature, 'signature');
  return [reader.unsignedInteger(), reader.unsignedInteger()];
}

/** Of P-256 (SP 800-186 3.2.1.3). */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

function power(base: bigint, exponent: bigint): bigint {
  let [result, square] = [1n, base % order];
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % order;
    square = (square * square) % order;
  }
  return result;
}

function toBigInt(octets: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(octets).toString('hex')}`);
}

function fromBigInt(value: bigint): Uint8Array {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
}
