import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  type KeyObject,
} from 'node:crypto';
import {
  PublicKey,
  schemesOf,
  signatureSchemes,
  verifySignature,
  type KeyAlgorithm,
  type SignatureScheme,
} from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { concat, hex, int, nullElement, seq, tlv } from '../encodings/der.ts';
import { exampleKey, examplePublicKey } from '../encodings/documents.ts';
import { verdict } from '../encodings/refusal.ts';
import { integer } from './subject-public-keys.ts';

const message = Buffer.from('sample');
const rsaPair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const privateKeys: readonly (readonly [KeyAlgorithm, KeyObject])[] = [
  ['p256', exampleKey],
  ['p384', generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey],
  ['p521', generateKeyPairSync('ec', { namedCurve: 'secp521r1' }).privateKey],
  ['rsa2048', rsaPair.privateKey],
  ['ed25519', generateKeyPairSync('ed25519').privateKey],
];

describe.each(privateKeys)('%s', (algorithm, privateKey) => {
  const publicKey = publicKeyOf(privateKey);

  test('what node signs with each scheme of the key verifies; what was altered does not', () => {
    for (const scheme of schemesOf(algorithm)) {
      const signature = signWith(privateKey, scheme);
      expect([scheme, verifySignature(publicKey, scheme, message, signature)]).toEqual([scheme, true]);
      expect(verifySignature(publicKey, scheme, Buffer.from('simple'), signature)).toBe(false);
      for (const [i, octet] of signature.entries()) {
        const altered = Uint8Array.from(signature);
        altered[i] = octet ^ 0x04;
        expect(verifySignature(publicKey, scheme, message, altered)).toBe(false);
      }
    }
  });

  test('a signature of another length does not verify', () => {
    for (const scheme of schemesOf(algorithm)) {
      const signature = signWith(privateKey, scheme);
      const zero = Uint8Array.of(0);
      for (const wrong of [
        new Uint8Array(),
        zero,
        signature.subarray(1),
        signature.subarray(0, -1),
        concat(signature, zero),
        concat(zero, signature),
        concat(signature, signature),
        new Uint8Array(signature.length),
        new Uint8Array(signature.length).fill(0xff),
        new Uint8Array(100_000),
      ]) {
        expect([scheme, verifySignature(publicKey, scheme, message, wrong)]).toEqual([scheme, false]);
      }
    }
  });

  test('a signature of one scheme is none of another, of the same key', () => {
    for (const made of schemesOf(algorithm)) {
      const signature = signWith(privateKey, made);
      for (const claimed of schemesOf(algorithm)) {
        expect([made, claimed, verifySignature(publicKey, claimed, message, signature)]).toEqual([
          made,
          claimed,
          made === claimed,
        ]);
      }
    }
  });

  test('a scheme that keys of this type do not have is refused rather than tried', () => {
    for (const scheme of signatureSchemes) {
      const expected = schemesOf(algorithm).includes(scheme) ? 'taken' : 'SCHEME_NOT_SUPPORTED';
      expect([
        scheme,
        verdict(() => verifySignature(publicKey, scheme, message, new Uint8Array(64))),
      ]).toEqual([scheme, expected]);
    }
  });
});

describe('ECDSA-Sig-Value', () => {
  // RFC 6979 A.2.5, with SHA-256, message "sample".
  const r = 0xefd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716n;
  const s = 0xf7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8n;
  const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const publicKey = PublicKey.parse(examplePublicKey);
  const verified = (signature: Uint8Array): boolean =>
    verifySignature(publicKey, 'ecdsa-sha256', message, signature);

  test('known answer of RFC 6979, and its twin n - s, which X.509 does not forbid', () => {
    expect(verified(seq(integer(r), integer(s)))).toBe(true);
    expect(verified(seq(integer(r), integer(n - s)))).toBe(true);
  });

  test('other known answers of RFC 6979 A.2.5 by hash', () => {
    const r512 = 0x8496a60b5e9b47c825488827e0495b0e3fa109ec4568fd3f8d1097678eb97f00n;
    const s512 = 0x2362ab1adbe2b8adf9cb9edab740ea6049c028114f2460f96554f61fae3302fen;
    const signature = seq(integer(r512), integer(s512));
    expect(verifySignature(publicKey, 'ecdsa-sha512', message, signature)).toBe(true);
    expect(verifySignature(publicKey, 'ecdsa-sha256', message, signature)).toBe(false);
  });

  test('the signature of another key of the same type does not verify', () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
    expect(verified(signWith(other, 'ecdsa-sha256'))).toBe(false);
    expect(verifySignature(publicKeyOf(other), 'ecdsa-sha256', message, seq(integer(r), integer(s)))).toBe(
      false,
    );
  });

  const body = concat(integer(r), integer(s));
  const negative = tlv(0x02, hex(s.toString(16)));

  test.each<[string, Uint8Array]>([
    ['r in more octets than needed', seq(padded(r), integer(s))],
    ['s in more octets than needed', seq(integer(r), padded(s))],
    ['s without its sign octet, so that it is negative', seq(integer(r), negative)],
    ['the length of r in more octets than needed', seq(long(integer(r)), integer(s))],
    ['the outer length in more octets than needed', concat(Uint8Array.of(0x30, 0x81, body.length), body)],
    ['an indefinite length', concat(Uint8Array.of(0x30, 0x80), body, Uint8Array.of(0, 0))],
    ['a NULL after s', seq(integer(r), integer(s), nullElement)],
    ['an octet after it', concat(seq(integer(r), integer(s)), Uint8Array.of(0))],
    ['r alone', seq(integer(r))],
    ['nothing in it', seq()],
    ['a SET around it', tlv(0x31, integer(r), integer(s))],
    ['the form r || s', concat(...[r, s].map((value) => hex(value.toString(16))))],
    ['r + n', seq(integer(r + n), integer(s))],
    ['s + n', seq(integer(r), integer(s + n))],
    ['r = 0', seq(integer(0n), integer(s))],
    ['s = 0', seq(integer(r), integer(0n))],
    ['r = s = 0', seq(integer(0n), integer(0n))],
    ['r = n', seq(integer(n), integer(s))],
    ['s = n', seq(integer(r), integer(n))],
    ['s = r and r = s', seq(integer(s), integer(r))],
    ['r of a hundred thousand octets', seq(integer(2n ** 800_000n + r), integer(s))],
  ])('%s is simply wrong', (_, signature) => {
    expect(verified(signature)).toBe(false);
  });
});

describe('RSASSA-PSS', () => {
  const publicKey = publicKeyOf(rsaPair.privateKey);

  test.each([
    ['sha256', 'rsa-pss-sha256', 32],
    ['sha384', 'rsa-pss-sha384', 48],
    ['sha512', 'rsa-pss-sha512', 64],
  ] as const)('%s: the salt is as long as the hash, no shorter and no longer', (hash, scheme, hashBytes) => {
    for (const saltLength of [0, 1, 20, 31, 32, 33, 47, 48, 49, 63, 64, 65, 128]) {
      const signature = sign(hash, message, {
        key: rsaPair.privateKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength,
      });
      expect([saltLength, verifySignature(publicKey, scheme, message, signature)]).toEqual([
        saltLength,
        saltLength === hashBytes,
      ]);
    }
  });

  test('SHA-1 is in no scheme, neither with PKCS#1 padding nor in PSS', () => {
    const pkcs1 = sign('sha1', message, rsaPair.privateKey);
    const pss = sign('sha1', message, {
      key: rsaPair.privateKey,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: 20,
    });
    for (const scheme of schemesOf('rsa2048')) {
      expect(verifySignature(publicKey, scheme, message, pkcs1)).toBe(false);
      expect(verifySignature(publicKey, scheme, message, pss)).toBe(false);
    }
  });
});

function publicKeyOf(privateKey: KeyObject): PublicKey {
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' });
  return PublicKey.parse(createPublicKey(createPrivateKey(pem)).export({ format: 'der', type: 'spki' }));
}

/** Signs the message as the scheme's name says, by node alone. */
function signWith(key: KeyObject, scheme: SignatureScheme): Uint8Array {
  const hash = /sha(256|384|512)$/.exec(scheme)?.[0];
  if (hash === undefined) return sign(undefined, message, key);
  if (!scheme.startsWith('rsa-pss')) return sign(hash, message, key);
  const saltLength = Number(hash.slice(3)) / 8;
  return sign(hash, message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
}

/** An INTEGER with two zeros in front. */
function padded(value: bigint): Uint8Array {
  return int(0, 0, ...hex(value.toString(16)));
}

/** A short element with a length octet too many. */
function long(part: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(part[0] ?? 0, 0x81, part[1] ?? 0), part.subarray(2));
}
