import { CountersignError, encodePem } from '@countersign/core';
import { context, octetString, oid, sequence, utf8String } from '@countersign/core/asn1';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { describeStoredKey, parseKeyFile } from '../../src/keys/key-file.ts';
import { encodeTss2PrivateKey, parseTss2PrivateKey } from '../../src/keys/tss2-private-key.ts';
import { refusal } from '../refusal.ts';
import { utf8 } from './scene.ts';

const loadable = '2.23.133.10.1.3';
const publicArea = octetString(Uint8Array.of(0, 2, 7, 8));
const privateArea = octetString(Uint8Array.of(0, 1, 9));
const handle = raw(0x02, 0x00, 0x81, 0x00, 0x00, 0x01);

/** TPMT_PUBLIC of a P-256 signing key: the generator of the curve. */
const realPublicArea = Buffer.from(
  '0023000b0004007200000010001000030010' +
    '00206b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296' +
    '00204fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
  'hex',
);

test('whatever is written reads back the same', () => {
  const parts = fc.record({
    publicArea: fc.uint8Array({ maxLength: 600 }),
    privateArea: fc.uint8Array({ maxLength: 1500 }),
    parent: fc.integer({ min: 0, max: 0xffff_ffff }),
    emptyAuth: fc.boolean(),
  });
  fc.assert(
    fc.property(parts, (key) => {
      const pem = utf8(encodeTss2PrivateKey(key));
      expect(parseTss2PrivateKey(pem)).toEqual(key);
      expect(parseTss2PrivateKey(derOf(pem))).toEqual(key);
    }),
  );
});

test('whatever the label, it comes back, and nothing but ASCII is written', () => {
  const blobs = { publicArea: realPublicArea, privateArea: realPublicArea, parent: 1, emptyAuth: false };
  const awkward = fc.constantFrom(
    '-----BEGIN TSS2 PRIVATE KEY-----',
    '\n-----BEGIN TSS2 PRIVATE KEY-----\n',
    'Label: "x"',
    '"\\',
    '\u2028\r\n\0',
    '0',
    '𝄞',
  );
  const labels = fc.oneof(awkward, fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }));
  fc.assert(
    fc.property(labels, (label) => {
      const { file, id } = describeStoredKey(blobs, label);
      expect(Buffer.from(file).toString('latin1')).toMatch(/^[\n -~]+$/);
      expect(parseKeyFile(file)).toMatchObject({ label, id, parent: 1, emptyAuth: false });
    }),
  );
});

test.each([
  ['01', true],
  ['ff', true],
  ['00', false],
])('a BOOLEAN of the octet %s is read as others mean it', (octet, emptyAuth) => {
  const flag = context(0, raw(0x01, Number.parseInt(octet, 16)));
  const file = keyFile(oid(loadable), flag, handle, publicArea, privateArea);
  expect(parseTss2PrivateKey(file)).toMatchObject({ emptyAuth, parent: 0x81000001 });
});

test.each([
  ['81000001', 0x81000001],
  ['0081000001', 0x81000001],
  ['40000001', 0x40000001],
  ['0040000001', 0x40000001],
  ['01', 1],
  ['00ffffffff', 0xffffffff],
])('a handle written as %s is the one that is meant', (hex, parent) => {
  const file = keyFile(oid(loadable), raw(0x02, ...Buffer.from(hex, 'hex')), publicArea, privateArea);
  expect(parseTss2PrivateKey(file)).toMatchObject({ parent, emptyAuth: false });
});

test('optional fields that change nothing are passed over', () => {
  const file = keyFile(
    oid(loadable),
    context(0, raw(0x01, 0xff)),
    context(4, utf8String('described')),
    context(5, raw(0x01, 0x01)),
    handle,
    publicArea,
    privateArea,
  );
  expect(parseTss2PrivateKey(file)).toMatchObject({ emptyAuth: true, parent: 0x81000001 });
});

const body = [handle, publicArea, privateArea];
const flag = context(0, raw(0x01, 0xff));
test.each<[string, string, Uint8Array]>([
  ['an importable key', 'KEY_NOT_ACCEPTABLE', keyFile(oid('2.23.133.10.1.4'), ...body)],
  ['sealed data', 'KEY_NOT_ACCEPTABLE', keyFile(oid('2.23.133.10.1.5'), ...body)],
  ['a policy', 'KEY_NOT_ACCEPTABLE', keyFile(oid(loadable), flag, context(1, sequence()), ...body)],
  ['a secret', 'KEY_NOT_ACCEPTABLE', keyFile(oid(loadable), flag, context(2, publicArea), ...body)],
  ['policies', 'KEY_NOT_ACCEPTABLE', keyFile(oid(loadable), flag, context(3, sequence()), ...body)],
  [
    'a policy without emptyAuth',
    'KEY_NOT_ACCEPTABLE',
    keyFile(oid(loadable), context(1, sequence()), ...body),
  ],
  ['an unknown field', 'DER_MALFORMED', keyFile(oid(loadable), context(6, sequence()), ...body)],
  ['an empty BOOLEAN', 'DER_MALFORMED', keyFile(oid(loadable), context(0, raw(0x01)), ...body)],
  ['a BOOLEAN of two octets', 'DER_MALFORMED', keyFile(oid(loadable), context(0, raw(0x01, 1, 1)), ...body)],
  ['two BOOLEANs', 'DER_MALFORMED', keyFile(oid(loadable), context(0, raw(0x01, 1), raw(0x01, 1)), ...body)],
  ['emptyAuth twice', 'DER_MALFORMED', keyFile(oid(loadable), flag, flag, ...body)],
  ['no handle', 'DER_MALFORMED', keyFile(oid(loadable), publicArea, privateArea)],
  ['an empty handle', 'DER_MALFORMED', keyFile(oid(loadable), raw(0x02), publicArea, privateArea)],
  [
    'a handle of 33 bits',
    'DER_MALFORMED',
    keyFile(oid(loadable), raw(0x02, 1, 0, 0, 0, 0), publicArea, privateArea),
  ],
  [
    'a handle of six octets',
    'DER_MALFORMED',
    keyFile(oid(loadable), raw(0x02, 0, 0, 0, 0, 0, 1), publicArea, privateArea),
  ],
  ['no private area', 'DER_MALFORMED', keyFile(oid(loadable), handle, publicArea)],
  ['one area more', 'DER_MALFORMED', keyFile(oid(loadable), ...body, privateArea)],
  [
    'a size that is too small',
    'DER_MALFORMED',
    keyFile(oid(loadable), handle, octetString(Uint8Array.of(0, 1, 7, 8)), privateArea),
  ],
  [
    'a size that is too large',
    'DER_MALFORMED',
    keyFile(oid(loadable), handle, publicArea, octetString(Uint8Array.of(0, 2, 9))),
  ],
  [
    'an area without a size',
    'DER_MALFORMED',
    keyFile(oid(loadable), handle, publicArea, octetString(Uint8Array.of(0))),
  ],
  ['octets after the end', 'DER_MALFORMED', Buffer.concat([keyFile(oid(loadable), ...body), Buffer.of(0)])],
  ['nothing', 'PEM_MALFORMED', new Uint8Array()],
  ['another PEM', 'PEM_MALFORMED', utf8(encodePem('CERTIFICATE', keyFile(oid(loadable), ...body)))],
  [
    'two PEM blocks',
    'PEM_MALFORMED',
    utf8(encodePem('TSS2 PRIVATE KEY', keyFile(oid(loadable), ...body)).repeat(2)),
  ],
])('refuses %s', async (_, code, file) => {
  const error = await refusal(() => parseTss2PrivateKey(file));
  expect(error.code).toBe(code);
  expect(error.hint).not.toBe('');
});

test('a file that is cut short anywhere, or has one octet more, is refused', async () => {
  const blobs = { publicArea: realPublicArea, privateArea: realPublicArea, parent: 1, emptyAuth: true };
  const { file } = describeStoredKey(blobs, 'a label');
  const der = derOf(file);
  for (let length = 0; length < der.length; length += 1) {
    const { code } = await refusal(() => parseKeyFile(der.subarray(0, length)));
    expect(['DER_MALFORMED', 'PEM_MALFORMED']).toContain(code);
  }
  for (let length = 0; length < file.length - 1; length += 1) {
    expect((await refusal(() => parseKeyFile(file.slice(0, length)))).code).toBe('PEM_MALFORMED');
  }
  expect((await refusal(() => parseKeyFile(Buffer.concat([file, utf8('x')])))).code).toBe('PEM_MALFORMED');
});

test('an octet that was changed is refused with a code, or leaves a well-formed key', () => {
  const blobs = { publicArea: realPublicArea, privateArea: realPublicArea, parent: 1, emptyAuth: true };
  const { file } = describeStoredKey(blobs, 'a label');
  const der = derOf(file);
  const alteration = fc.record({
    inPem: fc.boolean(),
    at: fc.nat({ max: der.length - 1 }),
    mask: fc.integer({ min: 1, max: 255 }),
  });
  fc.assert(
    fc.property(alteration, ({ inPem, at, mask }) => {
      const altered = Uint8Array.from(inPem ? file : der, (octet, index) =>
        index === at ? octet ^ mask : octet,
      );
      let found: ReturnType<typeof parseKeyFile>;
      try {
        found = parseKeyFile(altered);
      } catch (error) {
        expect(error).toBeInstanceOf(CountersignError);
        return;
      }
      expect(parseKeyFile(describeStoredKey(found, found.label).file)).toMatchObject({
        id: found.id,
        label: found.label,
      });
    }),
  );
});

function keyFile(...fields: readonly Uint8Array[]): Uint8Array {
  return sequence(...fields);
}

/** A DER element of these contents, be they right or wrong. */
function raw(tag: number, ...contents: readonly number[]): Uint8Array {
  return Uint8Array.of(tag, contents.length, ...contents);
}

function derOf(pem: Uint8Array): Buffer {
  const text = Buffer.from(pem).toString('latin1');
  const start = text.lastIndexOf('-----BEGIN TSS2 PRIVATE KEY-----\n') + 33;
  return Buffer.from(text.slice(start, text.lastIndexOf('-----END')), 'base64');
}
