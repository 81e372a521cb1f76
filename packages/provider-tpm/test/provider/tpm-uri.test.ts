import { formatTpmUri, parseTpmUri } from '@countersign/provider-tpm';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { refusal } from '../refusal.ts';

const id = '0123456789abcdef0123456789abcdef';

test.each([
  ['tpm:', {}],
  [`tpm:id=${id}`, { id }],
  ['tpm:object=a%3Bb%3F%C3%BC', { object: 'a;b?ü' }],
  ['tpm:object=x?store=/a/b%20c', { object: 'x', store: '/a/b c' }],
  ['tpm:device=%2Fdev%2Ftpmrm0;object=x', { transport: 'tpm:device=%2Fdev%2Ftpmrm0', object: 'x' }],
  ['tpm:swtpm=127.0.0.1%3A2321', { transport: 'tpm:swtpm=127.0.0.1%3A2321' }],
  ['tpm:tbs;object=x', { transport: 'tpm:tbs', object: 'x' }],
  ['tpm:tbs', { transport: 'tpm:tbs' }],
  ['tpm:tbs?store=/a', { transport: 'tpm:tbs', store: '/a' }],
])('%s', (uri, expected) => {
  const {
    id: none,
    object,
    store,
    transport,
  } = { id: undefined, object: undefined, store: undefined, transport: undefined, ...expected };
  expect(parseTpmUri(uri)).toEqual({ id: none, object, store, transport });
  expect(formatTpmUri(parseTpmUri(uri))).toBe(uri);
});

test('paths of devices and sockets may be written as they are', () => {
  expect(parseTpmUri('tpm:device=/dev/tpmrm0').transport).toBe('tpm:device=%2Fdev%2Ftpmrm0');
  expect(parseTpmUri('tpm:swtpm-unix=/run/a b'.replace(' ', '%20') + ';object=x?store=/s')).toMatchObject({
    transport: 'tpm:swtpm-unix=%2Frun%2Fa%20b',
    object: 'x',
    store: '/s',
  });
});

test('what is written is read again', () => {
  const texts = fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined });
  const paths = fc.option(
    fc.string({ unit: 'grapheme' }).map((path) => `/${path.replaceAll('\0', '')}`),
    { nil: undefined },
  );
  const transports = fc.constantFrom(
    undefined,
    'tpm:tbs',
    'tpm:device=%2Fdev%2Ftpm0',
    'tpm:mssim=localhost%3A1',
  );
  fc.assert(
    fc.property(texts, paths, transports, (object, store, transport) => {
      const parts = { id, object, store, transport };
      expect(parseTpmUri(formatTpmUri(parts))).toEqual(parts);
    }),
  );
});

test.each([
  'memory:',
  'tpm',
  'tpm:id=12',
  'tpm:object=%ff',
  'tpm:object=a;object=b',
  'tpm:color=red',
  'tpm:?store=relative',
  'tpm:?',
  'tpm:swtpm=a%3A1;mssim=b%3A2',
  'tpm:tbs;device=%2Fdev%2Ftpm0',
  'tpm:pin-value=1234',
])('%s is refused', async (uri) => {
  expect((await refusal(() => parseTpmUri(uri))).code).toBe('KEY_REFERENCE_MALFORMED');
});
