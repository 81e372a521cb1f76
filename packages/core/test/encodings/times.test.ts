import { Certificate } from '@countersign/core';
import { expect, test } from 'vitest';
import { certificate, generalizedTime, utcTime } from './documents.ts';
import { verdict } from './refusal.ts';

test.each([
  ['260101000000Z', '2026-01-01T00:00:00.000Z'],
  ['260228235959Z', '2026-02-28T23:59:59.000Z'],
  ['280229120000Z', '2028-02-29T12:00:00.000Z'],
  ['000229000000Z', '2000-02-29T00:00:00.000Z'],
  ['491231235959Z', '2049-12-31T23:59:59.000Z'],
  ['500101000000Z', '1950-01-01T00:00:00.000Z'],
  ['991231235959Z', '1999-12-31T23:59:59.000Z'],
])('the UTCTime %s is %s', (text, iso) => {
  const parsed = Certificate.parse(
    certificate({ notBefore: utcTime('500101000000Z'), notAfter: utcTime(text) }),
  );
  expect(parsed.notAfter.toISOString()).toBe(iso);
});

test.each([
  ['20500101000000Z', '2050-01-01T00:00:00.000Z'],
  ['21000228235959Z', '2100-02-28T23:59:59.000Z'],
  ['24000229000000Z', '2400-02-29T00:00:00.000Z'],
  // RFC 5280 4.1.2.5: no well-defined expiration date.
  ['99991231235959Z', '9999-12-31T23:59:59.000Z'],
])('the GeneralizedTime %s is %s', (text, iso) => {
  expect(Certificate.parse(certificate({ notAfter: generalizedTime(text) })).notAfter.toISOString()).toBe(
    iso,
  );
});

test.each([
  ['without seconds', '2601010000Z'],
  ['with an offset', '260101000000+0000'],
  ['with an offset instead of seconds', '2601010000+00'],
  ['without Z', '260101000000'],
  ['with a small z', '260101000000z'],
  ['with a fraction', '260101000000.5Z'],
  ['with four digits of the year', '20260101000000Z'],
  ['on 31 April', '260431000000Z'],
  ['on 29 February of a common year', '260229000000Z'],
  ['on day 0', '260100000000Z'],
  ['on day 32', '260132000000Z'],
  ['in month 0', '260001000000Z'],
  ['in month 13', '261301000000Z'],
  ['at 24 o’clock', '260101240000Z'],
  ['at 25 o’clock', '260101250000Z'],
  ['in minute 60', '260101006000Z'],
  ['in a leap second', '261231235960Z'],
  ['with a sign', '+60101000000Z'],
  ['with a space', '26010100000 Z'],
  ['with letters', '26010100000OZ'],
  ['with a NUL after it', '260101000000Z\0'],
  ['with digits that are none', '26010100000\u00b2Z'],
  ['empty', ''],
])('a UTCTime %s is refused', (_, text) => {
  expect(verdict(() => Certificate.parse(certificate({ notAfter: utcTime(text) })))).toBe('DER_MALFORMED');
  expect(verdict(() => Certificate.parse(certificate({ notBefore: utcTime(text) })))).toBe('DER_MALFORMED');
});

test.each([
  ['without seconds', '205001010000Z'],
  ['with an offset', '20500101000000+0000'],
  ['without Z (local time)', '20500101000000'],
  ['with a fraction', '20500101000000.0Z'],
  ['with a comma and a fraction', '20500101000000,5Z'],
  ['on 31 June', '20500631000000Z'],
  ['on 29 February 2100', '21000229000000Z'],
  ['in a leap second', '20501231235960Z'],
  ['with two digits of the year', '500101000000Z'],
  ['in a year of five digits', '120500101000000Z'],
])('a GeneralizedTime %s is refused', (_, text) => {
  expect(verdict(() => Certificate.parse(certificate({ notAfter: generalizedTime(text) })))).toBe(
    'DER_MALFORMED',
  );
});

// RFC 5280 4.1.2.5: writers keep to UTCTime until 2049, readers MUST take either.
test.each(['20491231235959Z', '20260101000000Z', '20500101000000Z'])(
  'the GeneralizedTime %s is read',
  (text) => {
    expect(take({ notAfter: generalizedTime(text) })).toBe('taken');
  },
);

test('a validity holds two times, the first not after the second, and nothing else', () => {
  const second = utcTime('260101000000Z');
  expect(take({ notBefore: second, notAfter: second })).toBe('taken');
  expect(take({ notBefore: utcTime('260101000001Z'), notAfter: second })).toBe('DER_MALFORMED');
  expect(take({ notBefore: generalizedTime('20500101000000Z') })).toBe('DER_MALFORMED');
  expect(take({ afterNotAfter: second })).toBe('DER_MALFORMED');
  expect(take({ notAfter: new Uint8Array() })).toBe('DER_MALFORMED');
});

function take(wrong: Parameters<typeof certificate>[0]): string {
  return verdict(() => Certificate.parse(certificate(wrong)));
}
