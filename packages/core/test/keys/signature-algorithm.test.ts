import { CertificationRequest, type SignatureScheme } from '@countersign/core';
import { expect, test } from 'vitest';
import { concat, int, nullElement, oid, seq, tlv } from '../encodings/der.ts';
import { ecdsaWithSha256, request } from '../encodings/documents.ts';
import { refusal, verdict } from '../encodings/refusal.ts';

const bare = digest('2.16.840.1.101.3.4.2.1');
const withNull = digest('2.16.840.1.101.3.4.2.1', nullElement);

test.each<[SignatureScheme, Uint8Array]>([
  ['ecdsa-sha256', seq(oid('1.2.840.10045.4.3.2'))],
  ['ecdsa-sha384', seq(oid('1.2.840.10045.4.3.3'))],
  ['ecdsa-sha512', seq(oid('1.2.840.10045.4.3.4'))],
  ['rsa-pkcs1-sha256', seq(oid('1.2.840.113549.1.1.11'), nullElement)],
  ['rsa-pkcs1-sha384', seq(oid('1.2.840.113549.1.1.12'), nullElement)],
  ['rsa-pkcs1-sha512', seq(oid('1.2.840.113549.1.1.13'), nullElement)],
  // RFC 4055 5: readers MUST accept absent parameters as well.
  ['rsa-pkcs1-sha256', seq(oid('1.2.840.113549.1.1.11'))],
  ['rsa-pss-sha256', pss(withNull, withNull, int(32))],
  ['rsa-pss-sha256', pss(bare, bare, int(32))],
  ['rsa-pss-sha256', pss(bare, withNull, int(32))],
  ['rsa-pss-sha256', pss(withNull, bare, int(32))],
  [
    'rsa-pss-sha384',
    pss(
      digest('2.16.840.1.101.3.4.2.2', nullElement),
      digest('2.16.840.1.101.3.4.2.2', nullElement),
      int(48),
    ),
  ],
  ['rsa-pss-sha512', pss(digest('2.16.840.1.101.3.4.2.3'), digest('2.16.840.1.101.3.4.2.3'), int(64))],
  ['ed25519', seq(oid('1.3.101.112'))],
])('%s is named by an algorithm identifier as the standards have it', (scheme, algorithm) => {
  expect(parsed(algorithm).scheme).toBe(scheme);
});

test.each<[string, Uint8Array]>([
  ['SHA-1 with RSA', seq(oid('1.2.840.113549.1.1.5'), nullElement)],
  ['MD5 with RSA', seq(oid('1.2.840.113549.1.1.4'), nullElement)],
  ['SHA-224 with RSA', seq(oid('1.2.840.113549.1.1.14'), nullElement)],
  ['RSA without a hash', seq(oid('1.2.840.113549.1.1.1'), nullElement)],
  ['RSA with other parameters', seq(oid('1.2.840.113549.1.1.11'), int(0))],
  ['RSA with two NULLs', seq(oid('1.2.840.113549.1.1.11'), nullElement, nullElement)],
  ['SHA-1 with ECDSA', seq(oid('1.2.840.10045.4.1'))],
  ['ECDSA with NULL (RFC 5758 3.2)', concat(seq(oid('1.2.840.10045.4.3.2'), nullElement))],
  ['ECDSA without a hash', seq(oid('1.2.840.10045.2.1'))],
  ['Ed25519 with NULL (RFC 8410 3)', seq(oid('1.3.101.112'), nullElement)],
  ['Ed448', seq(oid('1.3.101.113'))],
  ['PSS without parameters', seq(oid('1.2.840.113549.1.1.10'))],
  ['PSS with default parameters, which are SHA-1', seq(oid('1.2.840.113549.1.1.10'), seq())],
  ['PSS with the default salt of 20', pss(withNull, withNull)],
  ['PSS with no salt', pss(withNull, withNull, int(0))],
  ['PSS with a salt of 20', pss(withNull, withNull, int(20))],
  ['PSS with a salt of 31', pss(withNull, withNull, int(31))],
  ['PSS with a salt of 33', pss(withNull, withNull, int(33))],
  ['PSS with a negative salt', pss(withNull, withNull, int(0xe0))],
  ['PSS with SHA-1 in the mask', pss(withNull, digest('1.3.14.3.2.26', nullElement), int(32))],
  [
    'PSS with another hash in the mask',
    pss(withNull, digest('2.16.840.1.101.3.4.2.2', nullElement), int(32)),
  ],
  [
    'PSS with SHA-384 and the salt of SHA-256',
    pss(
      digest('2.16.840.1.101.3.4.2.2', nullElement),
      digest('2.16.840.1.101.3.4.2.2', nullElement),
      int(32),
    ),
  ],
  [
    'PSS with its trailer field written (RFC 8017 A.2.3: DEFAULT, which DER leaves out)',
    seq(
      oid('1.2.840.113549.1.1.10'),
      seq(
        tlv(0xa0, withNull),
        tlv(0xa1, seq(oid('1.2.840.113549.1.1.8'), withNull)),
        tlv(0xa2, int(32)),
        tlv(0xa3, int(1)),
      ),
    ),
  ],
  ['RSAES-OAEP', seq(oid('1.2.840.113549.1.1.7'), seq())],
  ['no object identifier', seq()],
  ['an unknown one', seq(oid('1.2.3'))],
])('%s names no scheme', (_, algorithm) => {
  const error = refusal(() => parsed(algorithm).scheme);
  expect([error.code, error.adcs?.symbol]).toEqual(['ALGORITHM_NOT_SUPPORTED', 'NTE_BAD_SIGNATURE']);
});

test('a request whose algorithm is another than its key makes is refused rather than tried', () => {
  const rsa = seq(oid('1.2.840.113549.1.1.11'), nullElement);
  expect(verdict(() => parsed(ecdsaWithSha256).verifyProofOfPossession())).toBe('taken');
  expect(verdict(() => parsed(rsa).verifyProofOfPossession())).toBe('SCHEME_NOT_SUPPORTED');
  expect(verdict(() => parsed(seq(oid('1.2.840.10045.4.3.3'))).verifyProofOfPossession())).toBe(
    'PROOF_OF_POSSESSION_INVALID',
  );
});

function parsed(algorithm: Uint8Array): CertificationRequest {
  return CertificationRequest.parse(request({ algorithm }));
}

function digest(hash: string, ...parameters: readonly Uint8Array[]): Uint8Array {
  return seq(oid(hash), ...parameters);
}

/** RSASSA-PSS with MGF1; the salt length stands there if it is given. */
function pss(hash: Uint8Array, mask: Uint8Array, ...salt: readonly Uint8Array[]): Uint8Array {
  return seq(
    oid('1.2.840.113549.1.1.10'),
    seq(
      tlv(0xa0, hash),
      tlv(0xa1, seq(oid('1.2.840.113549.1.1.8'), mask)),
      ...salt.map((value) => tlv(0xa2, value)),
    ),
  );
}
