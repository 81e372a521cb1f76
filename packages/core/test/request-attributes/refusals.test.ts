import {
  ChallengePassword,
  encodeRequestAttribute,
  readRequestAttributes,
  type ErrorCode,
  type RequestAttribute,
} from '@countersign/core';
import { expect, test } from 'vitest';
import { concat, hex, int, oid, seq, text, tlv } from '../encodings/der.ts';
import { certificate, extension } from '../encodings/documents.ts';
import { verdict } from '../encodings/refusal.ts';
import { attribute, meaningOf, types } from './attribute-der.ts';

const name = tlv(0x1e, hex('0041'));
const [a, b, c] = [text(0x0c, 'a'), text(0x0c, 'b'), text(0x0c, 'c')];
const basicConstraints = extension('2.5.29.19', hex('3000'));
const surplus = hex('0500');

const sound: readonly (readonly [keyof typeof types, Uint8Array])[] = [
  ['osVersion', text(0x16, '10.0')],
  ['enrollmentCspProvider', seq(int(1), name, hex('030100'))],
  ['renewalCertificate', certificate()],
  ['requestClientInfo', seq(int(5), a, b, c)],
  ['certExtensions', seq(basicConstraints)],
  ['extensionRequest', seq(basicConstraints)],
  ['enrollCertType', name],
  ['certificateTemplate', seq(oid('1.2.3'))],
  ['ntPrincipalName', a],
  ['challengePassword', a],
];

test.each(sound)(
  '%s: one value is read, none, two, another one after it and a cut one are refused',
  (kind, value) => {
    const type = types[kind];
    const read = (...values: readonly Uint8Array[]): string =>
      verdict(() => readRequestAttributes([attribute(type, ...values)]));
    expect(read(value)).toBe('taken');
    expect(read()).toBe('ATTRIBUTE_MALFORMED');
    expect(read(value, value)).toBe('ATTRIBUTE_MALFORMED');
    expect(verdict(() => readRequestAttributes([attribute(type, value), attribute(type, value)]))).toBe(
      'ATTRIBUTE_MALFORMED',
    );
    expect(read(concat(value, surplus))).toBe('DER_MALFORMED');
    for (let length = 0; length < value.length; length++) {
      expect(read(value.subarray(0, length))).toBe('DER_MALFORMED');
    }
  },
);

test('two lists of extensions are refused under two identifiers as well', () => {
  const both = [types.extensionRequest, types.certExtensions].map((type) =>
    attribute(type, seq(basicConstraints)),
  );
  expect(verdict(() => readRequestAttributes(both))).toBe('ATTRIBUTE_MALFORMED');
});

test('what is not interpreted may stand as often as it likes', () => {
  const twice = ['1.2.3.4', '1.3.6.1.4.1.311.21.33'].flatMap((type) => [
    attribute(type, a, b),
    attribute(type, c),
  ]);
  expect(readRequestAttributes(twice)).toHaveLength(4);
});

test.each<[string, keyof typeof types, Uint8Array, ErrorCode]>([
  ['an OS version that is a number', 'osVersion', int(1), 'DER_MALFORMED'],
  ['an OS version in TeletexString', 'osVersion', text(0x14, '1'), 'DER_MALFORMED'],
  ['a CSP without its signature', 'enrollmentCspProvider', seq(int(1), name), 'DER_MALFORMED'],
  ['a CSP with a name in UTF-8', 'enrollmentCspProvider', seq(int(1), a, hex('030100')), 'DER_MALFORMED'],
  [
    'a CSP with a negative keySpec',
    'enrollmentCspProvider',
    seq(int(0xff), name, hex('030100')),
    'DER_MALFORMED',
  ],
  ['a CSP with unused bits', 'enrollmentCspProvider', seq(int(1), name, hex('03020100')), 'DER_MALFORMED'],
  ['a CSP with more', 'enrollmentCspProvider', seq(int(1), name, hex('030100'), surplus), 'DER_MALFORMED'],
  ['a renewal certificate that is none', 'renewalCertificate', seq(), 'DER_MALFORMED'],
  ['client info without the process', 'requestClientInfo', seq(int(5), a, b), 'DER_MALFORMED'],
  ['client info with more', 'requestClientInfo', seq(int(5), a, b, c, c), 'DER_MALFORMED'],
  ['client info in IA5String', 'requestClientInfo', seq(int(5), text(0x16, 'a'), b, c), 'DER_MALFORMED'],
  [
    'client info with a large number',
    'requestClientInfo',
    seq(int(0, 0x80, 0, 0, 0), a, b, c),
    'DER_MALFORMED',
  ],
  ['no extension', 'extensionRequest', seq(), 'DER_MALFORMED'],
  ['an extension twice', 'certExtensions', seq(basicConstraints, basicConstraints), 'DER_MALFORMED'],
  ['critical FALSE', 'extensionRequest', seq(extension('2.5.29.19', hex('3000'), 0)), 'DER_MALFORMED'],
  ['a template name in bare UTF-8', 'enrollCertType', a, 'DER_MALFORMED'],
  ['a template name in a SEQUENCE as BMPString', 'enrollCertType', seq(name), 'DER_MALFORMED'],
  ['two template names', 'enrollCertType', seq(a, b), 'DER_MALFORMED'],
  ['no template name', 'enrollCertType', seq(), 'DER_MALFORMED'],
  ['an empty template name', 'enrollCertType', hex('1e00'), 'ATTRIBUTE_MALFORMED'],
  ['an empty template name in a SEQUENCE', 'enrollCertType', hex('30020c00'), 'ATTRIBUTE_MALFORMED'],
  ['a template name with a NUL', 'enrollCertType', hex('1e0400410000'), 'ATTRIBUTE_MALFORMED'],
  ['a template without its identifier', 'certificateTemplate', seq(int(1)), 'DER_MALFORMED'],
  [
    'a template with three versions',
    'certificateTemplate',
    seq(oid('1.2'), int(1), int(1), int(1)),
    'DER_MALFORMED',
  ],
  ['an empty UPN', 'ntPrincipalName', hex('0c00'), 'DER_MALFORMED'],
  ['a UPN in IA5String', 'ntPrincipalName', text(0x16, 'a'), 'DER_MALFORMED'],
])('%s is refused', (_, kind, value, code) => {
  expect(verdict(() => meaningOf(types[kind], value))).toBe(code);
});

test.each<[string, RequestAttribute, ErrorCode]>([
  ['an OS version beyond ASCII', { kind: 'osVersion', version: 'é' }, 'VALUE_OUT_OF_RANGE'],
  ['no extensions', { kind: 'extensionRequest', type: 'pkcs9', extensions: [] }, 'ATTRIBUTE_MALFORMED'],
  [
    'an extension twice',
    {
      kind: 'extensionRequest',
      type: 'pkcs9',
      extensions: [0, 1].map(() => ({ oid: '1.2.3', critical: false, value: surplus })),
    },
    'ATTRIBUTE_MALFORMED',
  ],
  [
    'an empty template name',
    { kind: 'enrollCertType', templateName: '', form: 'sequence' },
    'ATTRIBUTE_MALFORMED',
  ],
  ['an empty UPN', { kind: 'ntPrincipalName', userPrincipalName: '' }, 'VALUE_OUT_OF_RANGE'],
  [
    'a fraction for a keySpec',
    { kind: 'enrollmentCspProvider', keySpec: 1.5, cspName: '', signature: surplus },
    'VALUE_OUT_OF_RANGE',
  ],
])('%s is not written', (_, wrong, code) => {
  expect(verdict(() => encodeRequestAttribute(wrong))).toBe(code);
});

test('a password that is too long, empty or no text is neither read nor made', () => {
  // 255 characters, not octets: each of these has four.
  expect(passwordVerdict(tlv(0x0c, Buffer.from('😀'.repeat(255))))).toBe('taken');
  expect(passwordVerdict(tlv(0x0c, Buffer.from('😀'.repeat(256))))).toBe('ATTRIBUTE_MALFORMED');
  expect(passwordVerdict(text(0x13, 'a'.repeat(256)))).toBe('ATTRIBUTE_MALFORMED');
  expect(passwordVerdict(hex('0c00'))).toBe('ATTRIBUTE_MALFORMED');
  expect(passwordVerdict(text(0x16, 'a'))).toBe('DER_MALFORMED');
  expect(passwordVerdict(text(0x14, 'a'))).toBe('DER_MALFORMED');
  expect(passwordVerdict(text(0x13, 'a@b'))).toBe('DER_MALFORMED');
  expect(passwordVerdict(hex('0c01ff'))).toBe('DER_MALFORMED');
  for (const wrong of ['', 'a'.repeat(256), '\ud800']) {
    expect(verdict(() => ChallengePassword.of(wrong))).toBe('ATTRIBUTE_MALFORMED');
  }
});

function passwordVerdict(value: Uint8Array): string {
  return verdict(() => meaningOf(types.challengePassword, value));
}
