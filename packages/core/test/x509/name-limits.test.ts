import { Name } from '@countersign/core';
import { expect, test } from 'vitest';
import { refusal, verdict } from '../encodings/refusal.ts';

test.each([
  ['CN', 64],
  ['O', 64],
  ['OU', 64],
  ['title', 64],
  ['L', 128],
  ['ST', 128],
  ['STREET', 128],
  ['SN', 32768],
  ['GN', 32768],
  ['serialNumber', 64],
  ['C', 2],
  ['emailAddress', 255],
])('%s has at most %i characters (RFC 5280 A.1)', (type, limit) => {
  expect(verdict(() => Name.fromString(`${type}=${'a'.repeat(limit)}`))).toBe('taken');
  const error = refusal(() => Name.fromString(`${type}=${'a'.repeat(limit + 1)}`));
  expect([error.code, error.message]).toEqual([
    'NAME_MALFORMED',
    expect.stringContaining(`${type} has ${limit + 1} characters; expected 1 to ${limit}`),
  ]);
});

test('the limits count characters, not octets or halves of surrogate pairs', () => {
  expect(verdict(() => Name.fromString(`CN=${'🚀'.repeat(64)}`))).toBe('taken');
  expect(verdict(() => Name.fromString(`CN=${'🚀'.repeat(65)}`))).toBe('NAME_MALFORMED');
});

test('a name that no document could hold is refused, and long strings cost no more than their length', () => {
  expect(verdict(() => Name.fromString(`UID=${'a'.repeat(262_000)}`))).toBe('taken');
  expect(verdict(() => Name.fromString(`UID=${'ä'.repeat(262_000)}`))).toBe('NAME_MALFORMED');
  expect(verdict(() => Name.fromString(`UID=${'a'.repeat(300_000)}`))).toBe('NAME_MALFORMED');
  expect(verdict(() => Name.fromString(`${'DC=a,'.repeat(500_000)}DC=b`))).toBe('NAME_MALFORMED');
  expect(verdict(() => Name.fromString('DC=a,'.repeat(50_000)))).toBe('NAME_MALFORMED');
  expect(verdict(() => Name.fromString('DC=a+'.repeat(50_000)))).toBe('NAME_MALFORMED');
  expect(verdict(() => Name.fromString(`${'C=a,'.repeat(65_000)}C=a`))).toBe('NAME_MALFORMED');
  expect(verdict(() => Name.fromString(`${'C=a+'.repeat(65_000)}C=a`))).toBe('NAME_MALFORMED');
  expect(verdict(() => Name.fromString(' '.repeat(200_000)))).toBe('NAME_MALFORMED');
  expect(verdict(() => Name.fromString(`CN=${' '.repeat(200_000)}`))).toBe('NAME_MALFORMED');
  expect(verdict(() => Name.fromString(`CN=#${'30'.repeat(100_000)}`))).toBe('NAME_MALFORMED');
  expect(verdict(() => Name.fromString(`1${'.1'.repeat(100_000)}=#0500`))).toBe('NAME_MALFORMED');
});
