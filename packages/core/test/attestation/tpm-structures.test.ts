import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  encodeTpmSignature,
  parseTpmAttest,
  parseTpmSignature,
  PublicKey,
  TpmPublicArea,
} from '@countersign/core';
import { refusal } from '../cmc/refusal.ts';
import {
  attributeBits,
  certifyInfo,
  createTpmKey,
  join,
  sized,
  tpmSignature,
  u16,
  u32,
  type TpmKey,
  type AttributeName,
  type SoftwareAlgorithm,
} from './software-tpm.ts';

const keys = (['rsa2048', 'p256', 'p384', 'p521'] as const).map((algorithm) => createTpmKey({ algorithm }));
const attributeNames = Object.keys(attributeBits).filter(
  (name): name is AttributeName => name in attributeBits,
);

async function codeOf(work: () => unknown): Promise<string> {
  return (await refusal(work)).code;
}

test.each<SoftwareAlgorithm>(['rsa2048', 'p256', 'p384', 'p521'])(
  'the public area of %s and its key say the same',
  (algorithm) => {
    const { area, name, publicKey } = createTpmKey({ algorithm });
    const parsed = TpmPublicArea.parse(area);
    expect(parsed.publicKey.subjectPublicKeyInfo).toEqual(publicKey);
    expect(parsed.name).toEqual(name);
    expect(TpmPublicArea.of(parsed).bytes).toEqual(area);
  },
);

test('every public area is written back as it was read', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...keys),
      fc.constantFrom('sha256', 'sha384', 'sha512'),
      fc.subarray(attributeNames),
      fc.option(fc.constantFrom(128, 192, 256), { nil: undefined }),
      fc.constantFrom('rsassa', 'ecdsa', 'rsaes', undefined),
      (key, nameAlgorithm, attributes, keyBits, scheme) => {
        const publicKey = PublicKey.parse(key.publicKey);
        const isEcc = publicKey.curve !== undefined;
        fc.pre(scheme === undefined || (scheme === 'ecdsa') === isEcc);
        const area = TpmPublicArea.of({
          publicKey,
          nameAlgorithm,
          attributes,
          symmetric: keyBits && { keyBits },
          scheme:
            scheme === undefined || scheme === 'rsaes'
              ? scheme && { algorithm: scheme }
              : { algorithm: scheme, hash: 'sha384' },
        });
        expect([...area.attributes].sort()).toEqual([...attributes].sort());
        expect(area.symmetric?.keyBits).toBe(keyBits);
        expect(area.scheme?.algorithm).toBe(scheme);
        expect(TpmPublicArea.of(area).bytes).toEqual(area.bytes);
      },
    ),
  );
});

const [rsa, p256] = keys;
if (rsa === undefined || p256 === undefined) throw new Error('keys were made');

test('an exponent of zero is 65537, as one that is written out', async () => {
  const withExponent = (exponent: number): Uint8Array => {
    const area = Uint8Array.from(rsa.area);
    // The exponent stands before the size and the 256 octets of the modulus.
    area.set(u32(exponent), area.length - 262);
    return area;
  };
  const written = TpmPublicArea.parse(withExponent(65537));
  expect(written.publicKey.equals(TpmPublicArea.parse(rsa.area).publicKey)).toBe(true);
  expect(written.name).not.toEqual(rsa.name);
  expect(await codeOf(() => TpmPublicArea.parse(withExponent(3)))).toBe('KEY_EXPONENT_NOT_ACCEPTABLE');
});

test('coordinates may come without leading zeros', () => {
  const area = join(p256.area.subarray(0, -68), sized(Uint8Array.of(0x05)), p256.area.subarray(-34));
  // 5 is the x of no point with this y, so that it must be padding that got it this far.
  expect(() => TpmPublicArea.parse(area)).toThrow(/a point that is not on the curve/u);
});

test.each([
  ['KEYEDHASH', 0x0008],
  ['SYMCIPHER', 0x0025],
  ['an unknown type', 0x7777],
])('an object of type %s is refused', async (_, type) => {
  const area = join(u16(type), p256.area.subarray(2));
  expect(await codeOf(() => TpmPublicArea.parse(area))).toBe('ATTESTATION_ALGORITHM_REFUSED');
});

test('names of SHA-1, unknown curves and schemes are refused', async () => {
  for (const area of [
    patched(p256, 2, 0x0004),
    patched(p256, 10, 0x0026),
    patched(p256, 12, 0x001a),
    patched(p256, 14, 0x0010),
    patched(p256, 16, 0x0020),
  ]) {
    expect(await codeOf(() => TpmPublicArea.parse(area))).toBe('ATTESTATION_ALGORITHM_REFUSED');
  }
});

test('reserved attribute bits, and policies of a wrong length, are malformed', async () => {
  for (const bit of [0, 3, 12, 15, 20, 31]) {
    const area = Uint8Array.from(p256.area);
    area.set(u32((0x00040072 | (1 << bit)) >>> 0), 4);
    expect(await codeOf(() => TpmPublicArea.parse(area))).toBe('ATTESTATION_MALFORMED');
  }
  const { area } = createTpmKey({ policy: new Uint8Array(20) });
  expect(await codeOf(() => TpmPublicArea.parse(area))).toBe('ATTESTATION_MALFORMED');
});

const attest = certifyInfo({ extraData: Uint8Array.of(1, 2, 3), name: p256.name });
const signatures = [tpmSignature(rsa, 'rsapss', attest), tpmSignature(p256, 'ecdsa', attest)];

test.each<[string, (bytes: Uint8Array) => unknown, readonly Uint8Array[]]>([
  ['public area', (bytes) => TpmPublicArea.parse(bytes), keys.map(({ area }) => area)],
  ['attestation', parseTpmAttest, [attest]],
  ['signature', parseTpmSignature, signatures],
])('a %s that is cut off anywhere, or goes on, is malformed', async (_, parse, documents) => {
  for (const document of documents) {
    expect(() => parse(document)).not.toThrow();
    for (let length = 0; length < document.length; length++) {
      expect(await codeOf(() => parse(document.subarray(0, length)))).toBe('ATTESTATION_MALFORMED');
    }
    expect(await codeOf(() => parse(join(document, Uint8Array.of(0))))).toBe('ATTESTATION_MALFORMED');
  }
});

test('signatures are written back as they were read', () => {
  for (const signature of signatures)
    expect(encodeTpmSignature(parseTpmSignature(signature))).toEqual(signature);
});

test('what stands for a truth value is 0 or 1', async () => {
  const odd = certifyInfo({ extraData: new Uint8Array(), name: p256.name, safe: 2 });
  expect(await codeOf(() => parseTpmAttest(odd))).toBe('ATTESTATION_MALFORMED');
});

test('the octets under the signature are kept as they came', () => {
  const parsed = parseTpmAttest(attest);
  expect(parsed.bytes).toEqual(attest);
  expect(parsed).toMatchObject({ type: 'certify', name: p256.name, extraData: Uint8Array.of(1, 2, 3) });
});

/** The key's public area with another 16-bit number at this offset. */
function patched(key: TpmKey, offset: number, value: number): Uint8Array {
  const area = Uint8Array.from(key.area);
  area.set(u16(value), offset);
  return area;
}
