import { CountersignError, PublicKey } from '@countersign/core';
import type { SessionObject } from 'graphene-pk11';
import * as ck from './cryptoki.ts';
import { bitString, derLength, nullValue, octetStringContents, sequence, unsignedInteger } from './der.ts';
import { readAttribute, readNumber } from './object-attributes.ts';

/**
 * The public key that an object holds, put together from its attributes: a public key object, or a private one that shows
 * its public half, as RSA ones do.
 * @returns undefined if it shows none, or one of a kind that is not supported or not sound
 */
export function readPublicKey(object: SessionObject): PublicKey | undefined {
  const subjectPublicKeyInfo = encodeFromAttributes(object);
  return subjectPublicKeyInfo === undefined ? undefined : parseIfSupported(subjectPublicKeyInfo);
}

function encodeFromAttributes(object: SessionObject): Uint8Array | undefined {
  const keyType = readNumber(object, ck.CKA_KEY_TYPE);
  if (keyType === undefined) return undefined;
  switch (keyType) {
    case ck.CKK_RSA:
      return encodeRsa(readFilled(object, ck.CKA_MODULUS), readFilled(object, ck.CKA_PUBLIC_EXPONENT));
    case ck.CKK_EC:
      return encodeEc(readFilled(object, ck.CKA_EC_PARAMS), readFilled(object, ck.CKA_EC_POINT));
    case ck.CKK_EC_EDWARDS:
      return encodeEd25519(readFilled(object, ck.CKA_EC_POINT));
    default:
      return undefined;
  }
}

/** Private objects of some tokens have these attributes, but empty. */
function readFilled(object: SessionObject, type: number): Buffer | undefined {
  const value = readAttribute(object, type);
  return value === undefined || value.length === 0 ? undefined : value;
}

/** RFC 3279 2.3.1. */
function encodeRsa(modulus: Buffer | undefined, exponent: Buffer | undefined): Uint8Array | undefined {
  if (modulus === undefined || exponent === undefined) return undefined;
  const rsaEncryption = sequence(Buffer.from('06092a864886f70d010101', 'hex'), nullValue);
  return sequence(rsaEncryption, bitString(sequence(unsignedInteger(modulus), unsignedInteger(exponent))));
}

/** RFC 5480 2.1.1; CKA_EC_PARAMS is the DER of the curve's name. */
function encodeEc(params: Buffer | undefined, point: Buffer | undefined): Uint8Array | undefined {
  if (params === undefined || point === undefined) return undefined;
  const idEcPublicKey = Buffer.from('06072a8648ce3d0201', 'hex');
  return sequence(sequence(idEcPublicKey, params), bitString(ecPoint(point)));
}

/** RFC 8410 3 and 4. */
function encodeEd25519(point: Buffer | undefined): Uint8Array | undefined {
  if (point === undefined) return undefined;
  const octets = point.length === 32 ? point : (octetStringContents(point) ?? point);
  return sequence(sequence(Buffer.from('06032b6570', 'hex')), bitString(octets));
}

/** CKA_EC_POINT is an ECPoint in an OCTET STRING (PKCS #11 3.1, 6.3.3); some tokens leave the OCTET STRING out. */
function ecPoint(point: Buffer): Buffer {
  const contents = octetStringContents(point);
  const isWrapped =
    contents?.[0] === 0x04 && point.length === 1 + derLength(contents.length).length + contents.length;
  return isWrapped ? contents : point;
}

function parseIfSupported(subjectPublicKeyInfo: Uint8Array): PublicKey | undefined {
  try {
    return PublicKey.parse(subjectPublicKeyInfo);
  } catch (error) {
    // Tokens hold keys of other programs, too: small ones, other curves.
    if (error instanceof CountersignError) return undefined;
    throw error;
  }
}
