import { formatTpmUri, parseTpmUri } from '@countersign/provider-tpm';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { refusal } from '../refusal.ts';

const id = '00112233445566778899aabbccddeeff';

test('reads what it is said to read', () => {
  expect(parseTpmUri('tpm:')).toEqual({});
  expect(parseTpmUri(`TPM:id=${id.toUpperCase()}`)).toEqual({ id });
  expect(parseTpmUri('tpm:object=k%C3%BCnftig?store=/var/lib/my%20keys')).toEqual({
    object: 'künftig',
    store: '/var/lib/my keys',
  });
  expect(parseTpmUri(`tpm:swtpm=127.0.0.1:2321;id=${id}`)).toEqual({
    transport: 'tpm:swtpm=127.0.0.1%3A2321',
    id,
  });
  for (const device of ['/dev/tpmrm1', '%2Fdev%2ftpmrm1']) {
    expect(parseTpmUri(`tpm:device=${device};id=${id}?store=/a/b`)).toEqual({
      transport: 'tpm:device=%2Fdev%2Ftpmrm1',
      id,
      store: '/a/b',
    });
  }
  expect(parseTpmUri(`tpm:id=${id};swtpm-unix=/run/my/swtpm`)).toEqual({
    transport: 'tpm:swtpm-unix=%2Frun%2Fmy%2Fswtpm',
    id,
  });
  expect(parseTpmUri(`tpm:tbs;id=${id}?store=/a`)).toEqual({ transport: 'tpm:tbs', id, store: '/a' });
  expect(parseTpmUri('tpm:tbs')).toEqual({ transport: 'tpm:tbs' });
});

test('writes what others read', () => {
  expect(formatTpmUri({})).toBe('tpm:');
  expect(formatTpmUri({ id: id.toUpperCase() })).toBe(`tpm:id=${id}`);
  expect(formatTpmUri({ transport: 'tpm:swtpm=127.0.0.1:2321', id, store: '/a b/c' })).toBe(
    `tpm:swtpm=127.0.0.1%3A2321;id=${id}?store=/a%20b/c`,
  );
  expect(formatTpmUri({ transport: 'tpm:tbs', id })).toBe(`tpm:tbs;id=${id}`);
  expect(formatTpmUri({ transport: 'tpm:tbs', store: '/a' })).toBe('tpm:tbs?store=/a');
  expect(formatTpmUri({ object: 'a;b?c&d=e/f' })).toBe('tpm:object=a%3Bb%3Fc%26d%3De%2Ff');
});

test('whatever is written reads back the same', () => {
  const text = fc.string({ unit: 'grapheme' });
  const parts = fc.record(
    {
      id: fc.stringMatching(/^[0-9a-f]{32}$/),
      object: text,
      transport: fc.oneof(
        fc.constant('tpm:tbs'),
        fc
          .tuple(fc.constantFrom('device', 'swtpm', 'swtpm-unix', 'mssim'), text)
          .map(([name, value]) => `tpm:${name}=${encodeURIComponent(value)}`),
      ),
      store: text.map((end) => `/${end.replaceAll('\0', '')}`),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(parts, (uri) => {
      const written = formatTpmUri(uri);
      expect(parseTpmUri(written)).toEqual(uri);
      expect(written).toMatch(/^[\x21-\x7e]+$/);
    }),
  );
});

test('any other text is refused with one code, or reads as what it writes', async () => {
  const prefixes = fc.constantFrom(
    '',
    'tpm:',
    'tpm:object=',
    'tpm:tbs',
    'tpm:tbs;',
    'tpm:?store=/',
    'tpm:id=',
  );
  await fc.assert(
    fc.asyncProperty(prefixes, fc.string(), async (prefix, end) => {
      try {
        const parsed = parseTpmUri(prefix + end);
        expect(parseTpmUri(formatTpmUri(parsed))).toEqual(parsed);
      } catch {
        expect((await refusal(() => parseTpmUri(prefix + end))).code).toBe('KEY_REFERENCE_MALFORMED');
      }
    }),
  );
});

test.each([
  '',
  'tpm',
  'memory:id=1',
  'tpm:id',
  'tpm:id=',
  `tpm:id=${id}0`,
  `tpm:id=${id.slice(1)}`,
  `tpm:id=${id.slice(1)}g`,
  `tpm:id=${id};id=${id}`,
  `tpm:;id=${id}`,
  `tpm:id=${id};`,
  'tpm:object=%ff',
  'tpm:object=a b',
  'tpm:object=a/b',
  'tpm:device=/dev/%ff',
  'tpm:device=/dev/tpm 0',
  'tpm:object=ä',
  'tpm:tbs=1',
  'tpm:tbs;swtpm=a%3A1',
  'tpm:swtpm=a%3A1;device=%2Fdev%2Ftpm0',
  'tpm:store=/a',
  'tpm:?',
  'tpm:?store=',
  'tpm:?store=relative',
  'tpm:?store=/a%00',
  'tpm:?store=/a&store=/a',
  'tpm:?object=a',
  'tpm:?pin-value=482913',
])('refuses %j', async (uri) => {
  const error = await refusal(() => parseTpmUri(uri));
  expect(error.code).toBe('KEY_REFERENCE_MALFORMED');
  expect(error.hint).toContain('tpm:id=');
});

test('refuses to write what nobody could read', async () => {
  for (const parts of [{ id: 'x' }, { object: '\ud800' }, { store: 'relative' }, { store: '/\ud800' }]) {
    expect((await refusal(() => formatTpmUri(parts))).code).toBe('KEY_REFERENCE_MALFORMED');
  }
});
