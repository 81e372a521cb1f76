import { existsSync, readdirSync, readFileSync } from 'node:fs';
import {
  CertificationRequest,
  decodePemOrDer,
  matchesChallengePassword,
  readRequestAttributes,
  type ErrorCode,
} from '@countersign/core';
import { describe, expect, test } from 'vitest';
import * as core from '../differential/core-reader.ts';
import * as openssl from '../differential/openssl-request-reader.ts';
import { hasOpenssl, openssl as run } from '../differential/openssl.ts';
import { toHex } from '../encodings/der.ts';
import { verdict } from '../encodings/refusal.ts';

/** The requests of pyca/cryptography, where Debian's package python3-cryptography-vectors puts them. */
const folder = '/usr/lib/python3/dist-packages/cryptography_vectors/x509/requests/';

/** Where the road of a request ends: it cannot be parsed, its attributes not be read, or its signature is not taken. */
type End = readonly [station: 'parse' | 'attributes' | 'possession', code: ErrorCode, reason: string];

const sha1: End = ['possession', 'ALGORITHM_NOT_SUPPORTED', 'SHA-1 makes no signature any more'];
const md4: End = ['possession', 'ALGORITHM_NOT_SUPPORTED', 'neither does MD4'];
const dsa: End = [
  'parse',
  'ALGORITHM_NOT_SUPPORTED',
  'DSA is no algorithm of ours (FIPS 186-5 approves it no more)',
];

const requests: Readonly<Record<string, readonly End[]>> = {
  'bad-version.pem': [['parse', 'DER_MALFORMED', 'RFC 2986 4.1: the version is 0; here it is 1']],
  'basic_constraints.pem': [sha1],
  'challenge-invalid.der': [
    [
      'attributes',
      'DER_MALFORMED',
      'RFC 2985 5.4.1: the challenge password is a string; here it is of tag 02',
    ],
    ['possession', 'PROOF_OF_POSSESSION_INVALID', 'the attribute was put in after the request was signed'],
  ],
  'challenge-multi-valued.der': [
    ['parse', 'DER_MALFORMED', 'X.690 11.6: a SET OF has each value once; here it is twice'],
  ],
  'challenge-unstructured.pem': [],
  'challenge.pem': [],
  'dsa_sha1.der': [dsa],
  'dsa_sha1.pem': [dsa],
  'ec_sha256.der': [],
  'ec_sha256.pem': [],
  'ec_sha256_old_header.pem': [],
  'freeipa-bad-critical.pem': [
    ['parse', 'DER_MALFORMED', 'X.690 11.5: DER leaves FALSE out where it is the default'],
  ],
  'invalid_signature.pem': [['parse', 'KEY_NOT_ACCEPTABLE', 'an RSA key of 1024 bits is too short']],
  'long-form-attribute.pem': [
    [
      'attributes',
      'DER_MALFORMED',
      'the challenge password is of a tag number of two octets, which no string has',
    ],
    ['possession', 'PROOF_OF_POSSESSION_INVALID', 'the attribute was put in after the request was signed'],
  ],
  'rsa_md4.der': [md4],
  'rsa_md4.pem': [md4],
  'rsa_sha1.der': [sha1],
  'rsa_sha1.pem': [sha1],
  'rsa_sha256.der': [],
  'rsa_sha256.pem': [],
  'san_rsa_sha1.der': [sha1],
  'san_rsa_sha1.pem': [sha1],
  'two_basic_constraints.pem': [['parse', 'DER_MALFORMED', 'RFC 5280 4.2: an extension stands once']],
  'unsupported_extension.pem': [sha1],
  'unsupported_extension_critical.pem': [sha1],
};

describe.skipIf(!existsSync(folder))(
  'the requests of pyca/cryptography (skipped where they are not installed)',
  () => {
    test('are all in the table', () => {
      expect(Object.keys(requests).sort()).toEqual(readdirSync(folder).sort());
    });

    test.each(Object.entries(requests))('%s ends where the table says', (file, ends) => {
      const der = read(file);
      const codeAt = (station: End[0]): string => ends.find(([at]) => at === station)?.[1] ?? 'taken';
      expect(verdict(() => CertificationRequest.parse(der))).toBe(codeAt('parse'));
      if (codeAt('parse') !== 'taken') return;
      const request = CertificationRequest.parse(der);
      expect(verdict(() => readRequestAttributes(request.attributes))).toBe(codeAt('attributes'));
      expect(verdict(() => request.verifyProofOfPossession())).toBe(codeAt('possession'));
    });

    const parsed = Object.entries(requests).filter(
      ([, ends]) => !ends.some(([station]) => station === 'parse'),
    );
    test.runIf(hasOpenssl).each(parsed)('%s means to core what it means to openssl', (file, ends) => {
      const der = read(file);
      const [mine, its] = [core.readRequest(der), openssl.readRequest(der)];
      const isOldAlgorithm = ends.some(([, code]) => code === 'ALGORITHM_NOT_SUPPORTED');
      // OpenSSL still checks signatures that core takes from nobody.
      expect(mine).toEqual(isOldAlgorithm ? { ...its, verifies: false } : its);

      const text = run(['req', '-inform', 'DER', '-noout', '-text'], der).toString();
      const bits = Number(/Public-Key: \((\d+) bit\)/u.exec(text)?.[1]);
      const { publicKey, attributes } = CertificationRequest.parse(der);
      expect(Number(publicKey.algorithm.replace(/^\D+/u, ''))).toBe(bits);
      const password = /challengePassword *:(.*)/u.exec(text)?.[1];
      if (password === undefined || password === 'unable to print attribute') return;
      expect(matchesChallengePassword(attributes, password)).toBe(true);
      expect(matchesChallengePassword(attributes, `${password}!`)).toBe(false);
    });

    test('what the attributes say, where one says something', () => {
      const { attributes } = CertificationRequest.parse(read('challenge-unstructured.pem'));
      expect(matchesChallengePassword(attributes, 'beauty')).toBe(true);
      const [password, name] = readRequestAttributes(attributes);
      expect(password?.kind).toBe('challengePassword');
      expect(name).toMatchObject({ kind: 'unknown', type: '1.2.840.113549.1.9.2' });
      const [wish] = readRequestAttributes(CertificationRequest.parse(read('san_rsa_sha1.pem')).attributes);
      if (wish?.kind !== 'extensionRequest') throw new Error('the request asks for no extension');
      expect(wish.extensions.map(({ oid, value }) => [oid, toHex(value)])).toEqual([
        ['2.5.29.17', `3026820f${ascii('cryptography.io')}8213${ascii('sub.cryptography.io')}`],
      ]);
    });
  },
);

function read(file: string): Uint8Array {
  return decodePemOrDer(readFileSync(folder + file), ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST']);
}

function ascii(value: string): string {
  return Buffer.from(value).toString('hex');
}
