import { Certificate, Name, parseExtendedKeyUsage, parseSignedData } from '@countersign/core';
import { describe, expect, test } from 'vitest';
import {
  concat,
  hex,
  nullElement,
  oid,
  readTree,
  seq,
  set,
  tlv,
  toHex,
  variants,
  writeTree,
  type Tree,
} from './der.ts';
import { certificateWith, exampleExtensions, extension, signedData } from './documents.ts';
import { readerCases } from './readers.ts';
import { refusal, verdict } from './refusal.ts';

describe.each(readerCases)('$name', ({ sound, read, uninterpreted }) => {
  test('takes the sound document', () => {
    expect(verdict(() => read(sound))).toBe('taken');
    // What the cases below alter is a faithful copy.
    expect(toHex(writeTree(readTree(sound)))).toBe(toHex(sound));
  });

  test('refuses the document cut off at every octet', () => {
    for (let length = 0; length < sound.length; length++) {
      const error = refusal(() => read(sound.subarray(0, length)));
      expect([length, error.code, error.adcs?.symbol]).toEqual([
        length,
        'DER_MALFORMED',
        'ERROR_INVALID_DATA',
      ]);
    }
  });

  test('refuses anything after the document, even what is an element of its own', () => {
    for (const after of [Uint8Array.of(0), Uint8Array.of(0, 0), nullElement, Uint8Array.of(0x0a), sound]) {
      expect(refusal(() => read(concat(sound, after))).message).toMatch(/at offset \d+, \d+ octets follow/);
    }
  });

  test('refuses a length with one octet more than needed, wherever it stands', () => {
    expectRefusedEverywhere(read, sound, (element) => withLengthOctets(element, 1));
    expectRefusedEverywhere(read, sound, (element) => withLengthOctets(element, 4));
  });

  test('refuses the indefinite form, wherever it stands', () => {
    expectRefusedEverywhere(read, sound, (element) =>
      concat(Uint8Array.of(element.identifier, 0x80), bodyOf(element), Uint8Array.of(0, 0)),
    );
  });

  test('refuses a length that claims more than is there, however much more', () => {
    const lengths = [
      [0x84, 0xff, 0xff, 0xff, 0xff],
      [0x88, 0x7f, ...Array.from({ length: 7 }, () => 0xff)],
      [0xff],
    ];
    for (const length of lengths) {
      expectRefusedEverywhere(read, sound, (element) =>
        concat(Uint8Array.of(element.identifier, ...length), bodyOf(element)),
      );
    }
  });

  test('refuses one element too many in every element that holds others', () => {
    expect(takenAt(read, sound, withSurplus)).toEqual(uninterpreted.surplus);
  });

  test('refuses an element of another class, wherever it stands', () => {
    expect(takenAt(read, sound, ofOtherClass)).toEqual(uninterpreted.value);
  });
});

test('a value that nobody here interprets is still DER, all the way down', () => {
  const inner = tlv(0xa0, seq(set(tlv(0x0c, Buffer.from('x')))));
  expect(verdict(() => readValue(inner))).toBe('taken');
  for (const change of [
    (element: Tree) => withLengthOctets(element, 1),
    (element: Tree) => concat(Uint8Array.of(element.identifier, 0x80), bodyOf(element), Uint8Array.of(0, 0)),
    (element: Tree) => concat(Uint8Array.of(element.identifier, 0x7f), bodyOf(element)),
    (element: Tree) => concat(writeTree(element), Uint8Array.of(0x05)),
    (element: Tree) => concat(writeTree(element), Uint8Array.of(0, 0)),
  ]) {
    expectRefusedEverywhere(readValue, inner, change);
  }
});

test('a string in pieces (X.690 10.2) and a SEQUENCE in one are refused inside values that nobody interprets', () => {
  for (const identifier of [0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x2c, 0x33, 0x36, 0x37, 0x38, 0x3e]) {
    expect([identifier, verdict(() => Name.parse(nameWith(tlv(identifier, nullElement))))]).toEqual([
      identifier,
      'DER_MALFORMED',
    ]);
  }
  for (const identifier of [0x10, 0x11]) {
    expect(verdict(() => Name.parse(nameWith(tlv(identifier, nullElement))))).toBe('DER_MALFORMED');
  }
  for (const identifier of [0x30, 0x31, 0xa0, 0x80, 0x61]) {
    expect(verdict(() => Name.parse(nameWith(tlv(identifier, nullElement))))).toBe('taken');
  }
});

test.each([
  ['taken', '1f1f 00'],
  ['taken', '1f8100 00'],
  ['taken', '5f87ffff7f 00'],
  ['DER_MALFORMED', '1f1e 00'],
  ['DER_MALFORMED', '1f801f 00'],
  ['DER_MALFORMED', '1f8100'],
  ['DER_MALFORMED', '1f81'],
  ['DER_MALFORMED', '1f'],
  ['DER_MALFORMED', '5f88808000 00'],
  ['DER_MALFORMED', '5fffffffffff7f 00'],
  ['DER_MALFORMED', '0000'],
])('a tag number of several octets: %s for %s', (expected, value) => {
  expect(verdict(() => Name.parse(nameWith(hex(value))))).toBe(expected);
});

test.each([
  ['SEQUENCE', 0x30],
  ['context tags', 0xa0],
])('nesting is bounded: %s', (_, identifier) => {
  const name = (depth: number): Uint8Array => nameWith(nested(identifier, depth));
  expect(verdict(() => Name.parse(name(20)))).toBe('taken');
  expect(refusal(() => Name.parse(name(40))).message).toContain('nested deeper than 32');
  const deepest = name(50_000);
  expect(deepest.length).toBeLessThan(256 * 1024);
  expect(verdict(() => Name.parse(deepest))).toBe('DER_MALFORMED');
  expect(verdict(() => parseSignedData(signedData(new Uint8Array(1), deepest)))).toBe('DER_MALFORMED');
  // Where the syntax is known to the reader, its own shape bounds the depth.
  for (const { read } of readerCases) {
    expect(verdict(() => read(nested(identifier, 50_000)))).toBe('DER_MALFORMED');
  }
});

test('documents of at most 256 KiB are read', () => {
  const limit = 256 * 1024;
  expect(Certificate.parse(padded(limit)).der.length).toBe(limit);
  const error = refusal(() => Certificate.parse(padded(limit + 1)));
  expect(error.code).toBe('INPUT_TOO_LARGE');
  expect(error.message).toContain('262145 bytes');
  for (const { read } of readerCases) {
    expect(verdict(() => read(new Uint8Array(limit + 1)))).toBe('INPUT_TOO_LARGE');
    expect(verdict(() => read(new Uint8Array(limit)))).toBe('DER_MALFORMED');
    expect(verdict(() => read(new Uint8Array()))).toBe('DER_MALFORMED');
  }
});

test('an error says where in the document it stands', () => {
  expect(refusal(() => parseExtendedKeyUsage(hex('3006 06022a03 0500'))).message).toBe(
    'the extended key usage extension is not valid DER: at offset 6, tag 05 stands where tag 06 was expected',
  );
});

/** A certificate of exactly so many octets. */
function padded(octets: number): Uint8Array {
  const overhead = withFiller(octets).length - octets;
  // ECDSA signatures differ in length by an octet or two: it takes a few tries.
  for (;;) {
    const document = withFiller(octets - overhead);
    if (document.length === octets) return document;
  }
}

function withFiller(length: number): Uint8Array {
  return certificateWith(...exampleExtensions, extension('1.2.3', new Uint8Array(length)));
}

/** A Name whose only attribute is of a type that is not known, so that its value is taken as it is. */
function nameWith(value: Uint8Array): Uint8Array {
  return seq(set(seq(oid('1.2.3'), value)));
}

function readValue(value: Uint8Array): Name {
  return Name.parse(nameWith(value));
}

function withSurplus({ identifier, children }: Tree): Uint8Array | undefined {
  return children === undefined ? undefined : tlv(identifier, ...children.map(writeTree), nullElement);
}

function ofOtherClass({ identifier, contents, children }: Tree): Uint8Array {
  return writeTree({ identifier: identifier | 0xc0, contents, children });
}

function expectRefusedEverywhere(
  read: (der: Uint8Array) => unknown,
  sound: Uint8Array,
  change: (element: Tree) => Uint8Array | undefined,
): void {
  expect(takenAt(read, sound, change)).toEqual([]);
}

/** The places at which the document was taken although the element there was changed. */
function takenAt(
  read: (der: Uint8Array) => unknown,
  sound: Uint8Array,
  change: (element: Tree) => Uint8Array | undefined,
): string[] {
  const changed = [...variants(readTree(sound), change)];
  return changed.filter(([, document]) => verdict(() => read(document)) === 'taken').map(([place]) => place);
}

function bodyOf({ contents, children }: Tree): Uint8Array {
  return children === undefined ? contents : concat(...children.map(writeTree));
}

function withLengthOctets(element: Tree, surplus: number): Uint8Array {
  const body = bodyOf(element);
  const minimal = body.length < 0x80 ? 0 : body.length < 0x100 ? 1 : 2;
  const octets = minimal + surplus;
  const length = Array.from({ length: octets }, (_, i) =>
    octets - 1 - i > 3 ? 0 : (body.length >> (8 * (octets - 1 - i))) & 0xff,
  );
  return concat(Uint8Array.of(element.identifier, 0x80 | octets, ...length), body);
}

/** An element in an element in an element, without the quadratic cost of writing it from the inside. */
function nested(identifier: number, depth: number): Uint8Array {
  const reversed: number[] = [];
  for (let i = 0, length = 0; i < depth; i++) {
    const rest: number[] = [];
    if (length < 0x80) rest.push(length);
    else {
      let octets = 0;
      for (let left = length; left > 0; left = left >> 8, octets++) rest.push(left & 0xff);
      rest.push(0x80 | octets);
    }
    reversed.push(...rest, identifier);
    length += rest.length + 1;
  }
  return Uint8Array.from(reversed).toReversed();
}
