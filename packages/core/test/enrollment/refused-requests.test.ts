import { constants, createECDH, createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { createCertificationRequest, type ErrorCode, type Key } from '@countersign/core';
import { beforeAll, expect, test } from 'vitest';
import { attributes, forgeCountersignature, rightAttributes } from './countersignature-forger.ts';
import { der, descend, integer, nullValue, octets, oid, sequence, set } from './der.ts';
import { createEnrollment, type Enrollment } from './enrollment-fixture.ts';
import { handmadeRequest } from './handmade-request.ts';
import { refusedByCa } from './refused-by-ca.ts';
import { softwareKey } from './software-key.ts';
import { keyWithCloseFactors, keyWithRoca, keyWithSmallFactor } from './weak-keys.ts';

/** Requests that an agent countersigned rightly, so that the CA is the last that can refuse them. */

let enrollment: Enrollment;
let signatures: number;

beforeAll(async () => {
  enrollment = await createEnrollment();
  signatures = 0;
  const { caKey } = enrollment;
  const signWithCaKey = caKey.sign.bind(caKey);
  Object.assign(caKey, {
    sign: async (...message: Parameters<Key['sign']>) => {
      signatures += 1;
      return signWithCaKey(...message);
    },
  });
});

test.each<[because: string, code: ErrorCode, request: () => Promise<Uint8Array> | Uint8Array]>([
  // proof of possession
  ['no signature', 'PROOF_OF_POSSESSION_INVALID', async () => made({ sign: () => new Uint8Array() })],
  ['a signature with one bit flipped', 'PROOF_OF_POSSESSION_INVALID', async () => flipped(await made({}))],
  [
    'a signature by another key',
    'PROOF_OF_POSSESSION_INVALID',
    async () => made({ subjectPublicKeyInfo: (await softwareKey('p256')).publicKey }),
  ],
  [
    'r and s side by side in place of DER',
    'PROOF_OF_POSSESSION_INVALID',
    async () => made({ sign: rawSignature }),
  ],
  // algorithms
  ['SHA-1', 'ALGORITHM_NOT_SUPPORTED', async () => rsa('sha1', '1.2.840.113549.1.1.5')],
  ['MD5', 'ALGORITHM_NOT_SUPPORTED', async () => rsa('md5', '1.2.840.113549.1.1.4')],
  [
    'ECDSA with SHA-1',
    'ALGORITHM_NOT_SUPPORTED',
    async () => made({ signatureAlgorithm: sequence(oid('1.2.840.10045.4.1')) }),
  ],
  [
    'parameters where there are none (RFC 5758 3.2)',
    'ALGORITHM_NOT_SUPPORTED',
    async () => made({ signatureAlgorithm: sequence(oid('1.2.840.10045.4.3.2'), nullValue()) }),
  ],
  ['PSS parameters of a salt of 20 octets', 'ALGORITHM_NOT_SUPPORTED', async () => pss(20, 20)],
  ['a PSS salt of 20 octets under parameters of 32', 'PROOF_OF_POSSESSION_INVALID', async () => pss(32, 20)],
  [
    'an algorithm whose last arc wraps at 2^32 to that of ECDSA with SHA-256',
    'ALGORITHM_NOT_SUPPORTED',
    async () => made({ signatureAlgorithm: sequence(oid(`1.2.840.10045.4.3.${2 ** 32 + 2}`)) }),
  ],
  // encodings
  ['a length in more octets than it takes', 'DER_MALFORMED', async () => longerLength(await made({}))],
  ['an indefinite length', 'DER_MALFORMED', async () => indefinite(await made({}))],
  ['an octet after its end', 'DER_MALFORMED', async () => Buffer.concat([await made({}), Buffer.of(0)])],
  ['a version of two octets', 'DER_MALFORMED', async () => made({ version: der(0x02, Uint8Array.of(0, 0)) })],
  ['a version of no octets', 'DER_MALFORMED', async () => made({ version: der(0x02) })],
  ['another version', 'DER_MALFORMED', async () => made({ version: integer(1) })],
  ['10,000 levels of nesting', 'DER_MALFORMED', async () => made({ attributes: nested(10_000) })],
  [
    'an object identifier with a leading 0x80',
    'DER_MALFORMED',
    async () => made({ attributes: paddedOid() }),
  ],
  [
    'two lists of extensions',
    'DER_MALFORMED',
    async () =>
      made({ attributes: der(0xa0, wish('1.2.840.113549.1.9.14'), wish('1.3.6.1.4.1.311.2.1.14')) }),
  ],
  ['nothing at all', 'DER_MALFORMED', () => new Uint8Array()],
  // keys
  ['an RSA key with the exponent 3', 'KEY_EXPONENT_NOT_ACCEPTABLE', async () => rsaWithExponent(3)],
  ['an RSA key with the exponent 1', 'KEY_EXPONENT_NOT_ACCEPTABLE', async () => exponentOne()],
  ['an RSA key of 1024 bits', 'KEY_NOT_ACCEPTABLE', async () => rsa('sha256', '1.2.840.113549.1.1.11', 1024)],
  [
    'an RSA key with a small factor',
    'KEY_HAS_SMALL_FACTOR',
    async () => createCertificationRequest(keyWithSmallFactor()),
  ],
  [
    'an RSA key with close factors',
    'KEY_HAS_CLOSE_FACTORS',
    async () => createCertificationRequest(keyWithCloseFactors()),
  ],
  [
    'an RSA key of a vulnerable library (ROCA)',
    'KEY_HAS_ROCA',
    async () => createCertificationRequest(keyWithRoca()),
  ],
  [
    'a point off its curve',
    'KEY_POINT_INVALID',
    async () => made({ subjectPublicKeyInfo: ecKey(p256, offCurve()) }),
  ],
  [
    'the point at infinity',
    'KEY_POINT_INVALID',
    async () => made({ subjectPublicKeyInfo: ecKey(p256, Uint8Array.of(0)) }),
  ],
  [
    'explicit curve parameters',
    'KEY_CURVE_NOT_NAMED',
    async () => made({ subjectPublicKeyInfo: explicitCurve() }),
  ],
  [
    'a curve that is not allowed',
    'ALGORITHM_NOT_SUPPORTED',
    async () => made({ subjectPublicKeyInfo: secp256k1() }),
  ],
])('refused: %s', async (_, code, request) => {
  const content = await request();
  const { agentKey: key, agentCertificate: certificate } = enrollment;
  const before = signatures;
  const countersigned = await forgeCountersignature({
    key,
    certificate,
    content,
    ...attributes(...rightAttributes(content)),
  });
  expect((await refusedByCa(enrollment, countersigned)).code).toBe(code);
  expect(signatures).toBe(before);
});

test('the same by hand, with nothing wrong, is issued', async () => {
  const content = await made({});
  const { agentKey: key, agentCertificate: certificate, ca } = enrollment;
  const before = signatures;
  await ca.issue(await forgeCountersignature({ key, certificate, content }));
  expect(signatures).toBe(before + 1);
});

async function made(parts: Parameters<typeof handmadeRequest>[1]): Promise<Uint8Array> {
  return handmadeRequest(enrollment.aliceKey, parts);
}

function flipped(request: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(request);
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  return changed;
}

async function rawSignature(info: Uint8Array): Promise<Uint8Array> {
  const signature = await enrollment.aliceKey.sign('ecdsa-sha256', info);
  const halves = [0, 1].map((i) => Buffer.from(descend(signature, [0, i]).contents).toString('hex'));
  return Buffer.from(halves.map((half) => half.padStart(66, '0').slice(-64)).join(''), 'hex');
}

async function rsa(hash: string, algorithm: string, modulusLength = 2048): Promise<Uint8Array> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength });
  return signedWith(privateKey, publicKey, hash, sequence(oid(algorithm), nullValue()));
}

async function rsaWithExponent(publicExponent: number): Promise<Uint8Array> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent });
  return signedWith(privateKey, publicKey, 'sha256', sequence(oid('1.2.840.113549.1.1.11'), nullValue()));
}

async function signedWith(
  privateKey: KeyObject,
  publicKey: KeyObject,
  hash: string,
  signatureAlgorithm: Uint8Array,
): Promise<Uint8Array> {
  return made({
    subjectPublicKeyInfo: publicKey.export({ format: 'der', type: 'spki' }),
    signatureAlgorithm,
    sign: (info) => sign(hash, info, privateKey),
  });
}

/** RSASSA-PSS with SHA-256 whose parameters say one salt length and whose signature has another. */
async function pss(said: number, saltLength: number): Promise<Uint8Array> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const sha256 = sequence(oid('2.16.840.1.101.3.4.2.1'), nullValue());
  const parameters = sequence(
    der(0xa0, sha256),
    der(0xa1, sequence(oid('1.2.840.113549.1.1.8'), sha256)),
    der(0xa2, integer(said)),
  );
  return made({
    subjectPublicKeyInfo: publicKey.export({ format: 'der', type: 'spki' }),
    signatureAlgorithm: sequence(oid('1.2.840.113549.1.1.10'), parameters),
    sign: (info) =>
      sign('sha256', info, { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }),
  });
}

/** With e = 1 everything is its own signature: anyone can prove that they hold the key. */
async function exponentOne(): Promise<Uint8Array> {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const modulus = descend(publicKey.export({ format: 'der', type: 'pkcs1' }), [0, 0]).whole;
  const key = der(0x03, Uint8Array.of(0), sequence(modulus, integer(1)));
  return made({
    subjectPublicKeyInfo: sequence(sequence(oid('1.2.840.113549.1.1.1'), nullValue()), key),
    signatureAlgorithm: sequence(oid('1.2.840.113549.1.1.11'), nullValue()),
    sign: (info) => {
      const block = digestInfo(info);
      return Buffer.concat([Buffer.of(0, 1), Buffer.alloc(253 - block.length, 0xff), Buffer.of(0), block]);
    },
  });
}

function digestInfo(info: Uint8Array): Uint8Array {
  return sequence(
    sequence(oid('2.16.840.1.101.3.4.2.1'), nullValue()),
    octets(createHash('sha256').update(info).digest()),
  );
}

const p256 = oid('1.2.840.10045.3.1.7');

function ecKey(curve: Uint8Array, point: Uint8Array): Uint8Array {
  return sequence(sequence(oid('1.2.840.10045.2.1'), curve), der(0x03, Uint8Array.of(0), point));
}

function offCurve(): Uint8Array {
  const point = Uint8Array.from(descend(enrollment.aliceKey.publicKey, [0, 1]).contents.subarray(1));
  point[64] = (point[64] ?? 0) ^ 1;
  return point;
}

function secp256k1(): Uint8Array {
  const pair = createECDH('secp256k1');
  return ecKey(oid('1.3.132.0.10'), pair.generateKeys());
}

/** SEC 1 C.2: P-256 spelled out, whose generator somebody could choose (CVE-2020-0601). */
function explicitCurve(): Uint8Array {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' });
  return publicKey.export({ format: 'der', type: 'spki' });
}

function longerLength(request: Uint8Array): Uint8Array {
  const { contents } = descend(request, [0]);
  return Buffer.concat([Buffer.of(0x30, 0x83, 0, contents.length >> 8, contents.length & 0xff), contents]);
}

function indefinite(request: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.of(0x30, 0x80), descend(request, [0]).contents, Buffer.of(0, 0)]);
}

function nested(levels: number): Uint8Array {
  let inner: Uint8Array = new Uint8Array();
  for (let level = 0; level < levels; level += 1) inner = der(0x30, inner);
  return der(0xa0, sequence(oid('1.2.3'), set(inner)));
}

function paddedOid(): Uint8Array {
  return der(0xa0, sequence(der(0x06, Uint8Array.of(0x2a, 0x80, 0x03)), set(nullValue())));
}

function wish(attribute: string): Uint8Array {
  return sequence(oid(attribute), set(sequence(sequence(oid('1.2.3'), octets(nullValue())))));
}
