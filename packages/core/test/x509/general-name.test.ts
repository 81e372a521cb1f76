import { Name, parseSubjectAltName, subjectAltName, type GeneralName } from '@countersign/core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { hex, int, nullElement, oid, seq, text, tlv, toHex } from '../encodings/der.ts';
import { refusal, verdict } from '../encodings/refusal.ts';

const directoryName = Name.fromString('CN=Alice,DC=test');

test.each<[GeneralName, Uint8Array]>([
  [{ kind: 'rfc822Name', text: 'a@b.test' }, text(0x81, 'a@b.test')],
  [{ kind: 'dNSName', text: 'b.test' }, text(0x82, 'b.test')],
  [{ kind: 'uniformResourceIdentifier', text: 'urn:x' }, text(0x86, 'urn:x')],
  // Name is a CHOICE, so [4] stands around it (X.680 31.2.7).
  [{ kind: 'directoryName', name: directoryName }, tlv(0xa4, directoryName.der)],
  [{ kind: 'iPAddress', octets: hex('c0000201') }, hex('8704 c0000201')],
  [{ kind: 'iPAddress', octets: new Uint8Array(16) }, tlv(0x87, new Uint8Array(16))],
  [
    { kind: 'otherName', typeId: '1.2.3', value: nullElement },
    tlv(0xa0, oid('1.2.3'), tlv(0xa0, nullElement)),
  ],
  [{ kind: 'unparsed', der: hex('88032a0304') }, hex('88032a0304')],
  [{ kind: 'unparsed', der: hex('a3023000') }, hex('a3023000')],
  [{ kind: 'unparsed', der: hex('a505a1030c0161') }, hex('a505a1030c0161')],
])('%j, both ways', (name, der) => {
  expect(toHex(subjectAltName([name]).value)).toBe(toHex(seq(der)));
  expect(comparable(parseSubjectAltName(seq(der)))).toEqual(comparable([name]));
});

test('names stay in their order, and critical only where it is asked for', () => {
  const names: GeneralName[] = [
    { kind: 'dNSName', text: 'b.test' },
    { kind: 'dNSName', text: 'a.test' },
    { kind: 'rfc822Name', text: 'a@a.test' },
  ];
  const { oid: id, critical, value } = subjectAltName(names);
  expect([id, critical]).toEqual(['2.5.29.17', false]);
  expect(parseSubjectAltName(value)).toEqual(names);
  expect(subjectAltName(names, { critical: true }).critical).toBe(true);
});

test.each<[string, Uint8Array]>([
  ['no name at all', seq()],
  ['a tag that is no choice', seq(hex('8901 61'))],
  ['a universal tag', seq(text(0x16, 'a.test'))],
  ['a constructed dNSName', seq(tlv(0xa2, text(0x16, 'a.test')))],
  ['a primitive directoryName', seq(tlv(0x84, directoryName.der))],
  ['a directoryName with implicit tag', seq(tlv(0xa4, directoryName.der.subarray(2)))],
  ['a directoryName with something after it', seq(tlv(0xa4, directoryName.der, nullElement))],
  ['an otherName without a value', seq(tlv(0xa0, oid('1.2.3')))],
  ['an otherName with an empty value', seq(tlv(0xa0, oid('1.2.3'), tlv(0xa0)))],
  ['an otherName with two values', seq(tlv(0xa0, oid('1.2.3'), tlv(0xa0, nullElement, nullElement)))],
  [
    'an otherName with something after its value',
    seq(tlv(0xa0, oid('1.2.3'), tlv(0xa0, nullElement), int(0))),
  ],
  ['an otherName without a type', seq(tlv(0xa0, tlv(0xa0, nullElement)))],
  ['an otherName whose value is not DER', seq(tlv(0xa0, oid('1.2.3'), tlv(0xa0, hex('058100'))))],
  ['a registeredID that is constructed', seq(hex('a8032a0304'))],
])('%s is refused', (_, value) => {
  expect(refusal(() => parseSubjectAltName(value)).code).toBe('DER_MALFORMED');
});

test.each([0, 1, 3, 5, 8, 15, 17, 32])(
  'an iPAddress has 4 octets or 16, not %i (RFC 5280 4.2.1.6)',
  (length) => {
    const octets = new Uint8Array(length);
    expect(verdict(() => parseSubjectAltName(seq(tlv(0x87, octets))))).toBe('DER_MALFORMED');
    expect(verdict(() => subjectAltName([{ kind: 'iPAddress', octets }]))).toBe('VALUE_OUT_OF_RANGE');
  },
);

test('text that a reader would refuse is not written', () => {
  for (const kind of ['rfc822Name', 'dNSName', 'uniformResourceIdentifier'] as const) {
    for (const wrong of ['', 'bücher.test', 'a\0b', '\ud800']) {
      expect(verdict(() => subjectAltName([{ kind, text: wrong }]))).toBe('VALUE_OUT_OF_RANGE');
    }
  }
  expect(verdict(() => subjectAltName([{ kind: 'otherName', typeId: '1.99.x', value: nullElement }]))).toBe(
    'VALUE_OUT_OF_RANGE',
  );
});

test('whatever is written reads back the same', () => {
  const ascii = fc.string({ unit: 'binary-ascii', minLength: 1 }).filter((string) => !string.includes('\0'));
  const name: fc.Arbitrary<GeneralName> = fc.oneof(
    fc.record({ kind: fc.constantFrom('rfc822Name', 'dNSName', 'uniformResourceIdentifier'), text: ascii }),
    fc.record({
      kind: fc.constant('iPAddress' as const),
      octets: fc.oneof(
        fc.uint8Array({ minLength: 4, maxLength: 4 }),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
      ),
    }),
    fc.record({
      kind: fc.constant('otherName' as const),
      typeId: fc
        .array(fc.bigInt({ min: 0n, max: 2n ** 64n }), { minLength: 1, maxLength: 5 })
        .map((arcs) => `2.${arcs.join('.')}`),
      value: fc.uint8Array({ maxLength: 200 }).map((octets) => tlv(0x04, octets)),
    }),
  );
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 5 }), (names) => {
      expect(comparable(parseSubjectAltName(subjectAltName(names).value))).toEqual(comparable(names));
    }),
  );
});

/** Views and copies compare the same as hex; names as their text. */
function comparable(names: readonly GeneralName[]): unknown[] {
  return names.map((name) =>
    Object.fromEntries(
      Object.entries(name).map(([field, value]: [string, unknown]) => [
        field,
        value instanceof Uint8Array ? toHex(value) : value instanceof Name ? value.toString() : value,
      ]),
    ),
  );
}
