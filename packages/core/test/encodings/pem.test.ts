import { createPublicKey } from 'node:crypto';
import { decodePemOrDer, encodePem, type PemLabel } from '@countersign/core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { toHex } from './der.ts';
import { examplePublicKey } from './documents.ts';
import { refusal } from './refusal.ts';

const labels: readonly PemLabel[] = ['CERTIFICATE', 'CERTIFICATE REQUEST', 'PUBLIC KEY', 'X509 CRL', 'CMS'];
const der = Uint8Array.of(0x30, 0x03, 0x02, 0x01, 0x05);
const begin = '-----BEGIN CERTIFICATE-----';
const end = '-----END CERTIFICATE-----';

function decode(text: string, accepted: readonly string[] = ['CERTIFICATE']): Uint8Array {
  return decodePemOrDer(Buffer.from(text, 'utf8'), accepted);
}

test('writes what OpenSSL writes', () => {
  const publicKey = createPublicKey({ key: Buffer.from(examplePublicKey), format: 'der', type: 'spki' });
  expect(encodePem('PUBLIC KEY', examplePublicKey)).toBe(publicKey.export({ format: 'pem', type: 'spki' }));
  expect(encodePem('CMS', der)).toBe('-----BEGIN CMS-----\nMAMCAQU=\n-----END CMS-----\n');
});

test.each([47, 48, 49, 96, 97])('%i octets are broken into lines of at most 64 characters', (length) => {
  const lines = encodePem('CMS', new Uint8Array(length)).split('\n').slice(1, -2);
  expect(lines.every((line) => line.length > 0 && line.length <= 64)).toBe(true);
  expect(lines.slice(0, -1).every((line) => line.length === 64)).toBe(true);
});

test('whatever is written reads back the same, with either end of line', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...labels),
      fc.uint8Array({ minLength: 1, maxLength: 400 }),
      (label, octets) => {
        const pem = encodePem(label, octets);
        expect(pem).toMatch(
          /^-----BEGIN [A-Z0-9 ]+-----\n([A-Za-z0-9+/=]{1,64}\n)+-----END [A-Z0-9 ]+-----\n$/,
        );
        expect(toHex(decode(pem, labels))).toBe(toHex(octets));
        expect(toHex(decode(pem.replaceAll('\n', '\r\n'), [label]))).toBe(toHex(octets));
      },
    ),
  );
});

test('a view into a larger buffer is written and read as what it shows', () => {
  const larger = Uint8Array.from([1, 2, ...der, 3]);
  const view = larger.subarray(2, -1);
  expect(encodePem('CMS', view)).toBe(encodePem('CMS', der));
  const pem = Buffer.from(`x\n${encodePem('CMS', der)}junk`);
  expect(toHex(decodePemOrDer(Uint8Array.from(pem).subarray(2, -4), ['CMS']))).toBe(toHex(der));
});

test('DER is passed through, whatever it is accepted as', () => {
  for (const accepted of [['CERTIFICATE'], []]) {
    expect(toHex(decodePemOrDer(der, accepted))).toBe(toHex(der));
  }
});

test.each([
  [
    'text before it, as openssl -text writes',
    `Certificate:\n    Data:\n        Version: 3\n${begin}\nMAMCAQU=\n${end}\n`,
  ],
  ['no newline at the end', `${begin}\nMAMCAQU=\n${end}`],
  ['white space after it', `${begin}\nMAMCAQU=\n${end}\r\n\r\n \t\n`],
  ['white space at the ends of lines', `${begin} \t\nMAMC \nAQU=\t\n${end}  \n`],
  ['lines of any length, and empty ones', `${begin}\n\nM\nAMCAQU\n=\n\n${end}\n`],
  ['a byte order mark and a line before it', `\ufeff# exported\n${begin}\nMAMCAQU=\n${end}\n`],
  ['text in another script before it', `Сертификат\n${begin}\nMAMCAQU=\n${end}\n`],
])('a block with %s is read', (_, text) => {
  expect(toHex(decode(text))).toBe(toHex(der));
});

test.each([
  ['nothing', ''],
  ['text only', 'hello'],
  ['two blocks', `${begin}\nMAMCAQU=\n${end}\n${begin}\nMAMCAQU=\n${end}\n`],
  [
    'two blocks of which one is of another label',
    `-----BEGIN CMS-----\nMAMCAQU=\n-----END CMS-----\n${begin}\nMAMCAQU=\n${end}\n`,
  ],
  ['a second block cut off', `${begin}\nMAMCAQU=\n${end}\n${begin}\nMAMCAQU=\n`],
  ['a first block cut off', `${begin}\nMAMCAQU=\n${begin}\nMAMCAQU=\n${end}\n`],
  ['junk after the block', `${begin}\nMAMCAQU=\n${end}\nand so on\n`],
  ['junk on the last line', `${begin}\nMAMCAQU=\n${end} and so on\n`],
  ['a NUL after the block', `${begin}\nMAMCAQU=\n${end}\n\0`],
  ['junk on the first line', `${begin} x\nMAMCAQU=\n${end}\n`],
  ['a block that starts in the middle of a line', `x ${begin}\nMAMCAQU=\n${end}\n`],
  ['no end', `${begin}\nMAMCAQU=\n`],
  ['no beginning', `MAMCAQU=\n${end}\n`],
  ['an end of another label', `${begin}\nMAMCAQU=\n-----END CMS-----\n`],
  ['another label', '-----BEGIN CMS-----\nMAMCAQU=\n-----END CMS-----\n'],
  ['a private key', '-----BEGIN PRIVATE KEY-----\nMAMCAQU=\n-----END PRIVATE KEY-----\n'],
  ['a small-letter label', '-----BEGIN certificate-----\nMAMCAQU=\n-----END certificate-----\n'],
  ['four dashes', '----BEGIN CERTIFICATE----\nMAMCAQU=\n----END CERTIFICATE----\n'],
  ['everything on one line', `${begin}MAMCAQU=${end}`],
  ['headers, as RFC 1421 has them', `${begin}\nProc-Type: 4,ENCRYPTED\n\nMAMCAQU=\n${end}\n`],
  ['no padding', `${begin}\nMAMCAQU\n${end}\n`],
  ['too much padding', `${begin}\nMAMCAQU==\n${end}\n`],
  ['padding in the middle', `${begin}\nMAMC=AQU\n${end}\n`],
  ['something after the padding', `${begin}\nMAMCAQU=MAMC\n${end}\n`],
  ['one character too many', `${begin}\nMAMCAQU=A\n${end}\n`],
  ['bits after the last octet', `${begin}\nMAMCAQV=\n${end}\n`],
  ['the alphabet of base64url', `${begin}\nMAMC-_U=\n${end}\n`],
  ['a character that is none of base64', `${begin}\nMAMC!AQU=\n${end}\n`],
  ['a no-break space', `${begin}\nMAMC\u00a0AQU=\n${end}\n`],
  ['a form feed', `${begin}\nMAMC\fAQU=\n${end}\n`],
  ['UTF-16', Buffer.from(`${begin}\nMAMCAQU=\n${end}\n`, 'utf16le').toString('latin1')],
])('a file with %s is refused', (_, text) => {
  const error = refusal(() => decode(text));
  expect(error.code).toBe('PEM_MALFORMED');
  expect(error.message).toContain('expected DER or one PEM block labelled CERTIFICATE');
});

test('the refusal names the labels that are taken and the one that was found', () => {
  const error = refusal(() =>
    decode(encodePem('CMS', der), ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST']),
  );
  expect(error.message).toBe(
    'the file holds a PEM block labelled CMS; expected DER or one PEM block labelled CERTIFICATE REQUEST or NEW CERTIFICATE REQUEST',
  );
});

test('files made to cost time cost none', () => {
  const hostile = [
    `${begin}\n`.repeat(20_000),
    `${begin}\n${'A'.repeat(1_000_000)}\n`,
    `${begin}\n${'\n'.repeat(1_000_000)}`,
    `${begin}\n${'A\n'.repeat(300_000)}-----END CMS-----\n`,
    `-----BEGIN ${'A '.repeat(300_000)}`,
    '-----BEGIN A-----\n-----END B-----\n'.repeat(20_000),
    `${begin}${' '.repeat(500_000)}x`,
  ];
  for (const text of hostile) expect(refusal(() => decode(text)).code).toBe('PEM_MALFORMED');
});
