import { CountersignError, PublicKey, verifySignature, type SignatureScheme } from '@countersign/core';
import { expect, test } from 'vitest';
import { attempt } from '../encodings/refusal.ts';
import { readWycheproof } from './wycheproof.ts';

/**
 * What 'acceptable' vectors get here. RFC 8017 9.2 lets a verifier take a DigestInfo without NULL; to compare with the one
 * encoding that signers write is the stricter choice, and leaves no second signature for a message.
 */
const acceptable = false;

interface Case {
  readonly file: string;
  readonly scheme: SignatureScheme;
  /** All of them, those verified as right, and those of keys that are not even parsed. */
  readonly counts: { readonly vectors: number; readonly valid: number; readonly keyRefused: number };
}

test.for<Case>([
  {
    file: 'ecdsa_secp256r1_sha256_test.json',
    scheme: 'ecdsa-sha256',
    counts: { vectors: 484, valid: 174, keyRefused: 0 },
  },
  {
    // Two groups have the public exponent 3, on which forged padding thrives; such keys are refused as they stand.
    file: 'rsa_signature_2048_sha256_test.json',
    scheme: 'rsa-pkcs1-sha256',
    counts: { vectors: 259, valid: 7, keyRefused: 2 },
  },
  {
    file: 'rsa_pss_2048_sha256_mgf1_32_test.json',
    scheme: 'rsa-pss-sha256',
    counts: { vectors: 108, valid: 63, keyRefused: 0 },
  },
])('Wycheproof: every vector of $file has its result', ({ file, scheme, counts }, ctx) => {
  const groups = readWycheproof(file);
  if (groups === undefined) {
    ctx.skip('the Wycheproof vectors are absent; they belong in ../shared/test-data/wycheproof');
    return;
  }
  const found = { vectors: 0, valid: 0, keyRefused: 0 };
  for (const { publicKey: der, tests } of groups) {
    found.vectors += tests.length;
    const publicKey = attempt(() => PublicKey.parse(der));
    if (publicKey instanceof CountersignError) {
      expect(publicKey.message).toContain('an RSA public exponent other than 65537');
      found.keyRefused += tests.length;
      continue;
    }
    for (const { id, comment, flags, message, signature, result } of tests) {
      const expected = result === 'acceptable' ? acceptable : result === 'valid';
      // A wrong signature is an answer, never an exception.
      const verified = attempt(() => verifySignature(publicKey, scheme, message, signature));
      expect([id, comment, flags, verified]).toEqual([id, comment, flags, expected]);
      if (verified === true) found.valid++;
    }
  }
  expect(found).toEqual(counts);
});
