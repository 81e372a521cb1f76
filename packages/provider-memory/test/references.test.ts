import { formatMemoryUri, parseMemoryUri } from '@countersign/provider-memory';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { quickProvider, utf8 } from './quick-provider.ts';
import { refusal } from './refusal.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const id = '00112233445566778899aabbccddeeff';

test('reads and writes references', () => {
  expect(parseMemoryUri('memory:')).toEqual({});
  expect(parseMemoryUri(`memory:id=${id}`)).toEqual({ id });
  expect(parseMemoryUri(`MEMORY:id=${id.toUpperCase()}`)).toEqual({ id });
  expect(parseMemoryUri('memory:object=a%20b%3Bc%c3%a4?store=/home/u/key%20store')).toEqual({
    object: 'a b;cä',
    store: '/home/u/key store',
  });
  expect(parseMemoryUri(`memory:object=;id=${id}`)).toEqual({ id, object: '' });
  expect(parseMemoryUri('memory:?store=%2Fs')).toEqual({ store: '/s' });
  expect(formatMemoryUri({})).toBe('memory:');
  expect(formatMemoryUri({ id, object: "it's (a) b;c?&=/", store: '/a b/c?d&e' })).toBe(
    `memory:id=${id};object=it%27s%20%28a%29%20b%3Bc%3F%26%3D%2F?store=/a%20b/c%3Fd%26e`,
  );
});

test('whatever is written reads back the same', () => {
  const parts = fc.record(
    {
      id: fc.stringMatching(/^[0-9a-f]{32}$/),
      object: fc.string({ unit: 'grapheme' }),
      store: fc.string({ unit: 'grapheme' }).map((text) => `/${text.replaceAll('\0', '')}`),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(parts, (uri) => {
      expect(parseMemoryUri(formatMemoryUri(uri))).toEqual(uri);
      expect(formatMemoryUri(uri)).toMatch(/^[\x21-\x7e]+$/);
    }),
  );
});

test('any other text is refused with one code, or reads as what it writes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `memory:object=${text}`),
      ),
      async (text) => {
        try {
          const parsed = parseMemoryUri(text);
          expect(parseMemoryUri(formatMemoryUri(parsed))).toEqual(parsed);
        } catch {
          expect((await refusal(() => parseMemoryUri(text))).code).toBe('KEY_REFERENCE_MALFORMED');
        }
      },
    ),
  );
});

test.each([
  '',
  'memory',
  'pkcs11:id=1',
  'memory:id',
  'memory:id=',
  'memory:id=0011',
  `memory:id=${id}00`,
  `memory:id=${id};id=${id}`,
  `memory:id=${id};`,
  `memory:;id=${id}`,
  'memory:token=x',
  'memory:object=a b',
  'memory:object=%',
  'memory:object=%4',
  'memory:object=%ff',
  'memory:object=%ed%a0%80',
  'memory:object=a/b',
  'memory:object=ä',
  'memory:object=a\n',
  'memory:?',
  'memory:?store=',
  'memory:?store=relative',
  'memory:?store=/a%00b',
  'memory:?store=/a&store=/b',
  'memory:?store=/a&pin-value=1234',
  'memory:store=/a',
])('refuses %j', async (uri) => {
  expect((await refusal(() => parseMemoryUri(uri))).code).toBe('KEY_REFERENCE_MALFORMED');
  expect((await refusal(async () => (await quickProvider()).open(uri))).code).toBe('KEY_REFERENCE_MALFORMED');
});

test('refuses to write what it would not read', async () => {
  for (const parts of [{ id: 'x' }, { store: 'relative' }, { object: '\ud800' }, { store: '/\0' }]) {
    expect((await refusal(() => formatMemoryUri(parts))).code).toBe('KEY_REFERENCE_MALFORMED');
  }
});

test('a reference finds a key by id, by label, or by being the only one', async () => {
  const storeDirectory = await temporaryDirectory();
  const provider = await quickProvider({ storeDirectory });
  const pin = utf8('123456');
  expect((await refusal(async () => provider.open('memory:'))).code).toBe('KEY_NOT_FOUND');
  const first = await provider.generate({ algorithm: 'p256', label: 'one; of', pin });
  expect(first.ref).toMatch(/^memory:id=[0-9a-f]{32}\?store=\//);
  expect(parseMemoryUri(first.ref).store).toBe(storeDirectory);
  expect((await provider.open('memory:')).ref).toBe(first.ref);
  expect((await provider.open('memory:object=one%3B%20of')).ref).toBe(first.ref);
  expect((await provider.open(formatMemoryUri({ store: `${storeDirectory}/` }))).ref).toBe(first.ref);
  expect((await refusal(async () => provider.open('memory:object=One'))).code).toBe('KEY_NOT_FOUND');
  const mixed = `memory:id=${parseMemoryUri(first.ref).id};object=other`;
  expect((await refusal(async () => provider.open(mixed))).code).toBe('KEY_NOT_FOUND');
  const elsewhere = await refusal(async () => provider.open('memory:?store=/elsewhere'));
  expect(elsewhere.code).toBe('KEY_HELD_ELSEWHERE');
  expect(elsewhere.message).toContain(storeDirectory);
});

test('a reference that matches several keys is refused and lists the first five', async () => {
  const provider = await quickProvider();
  const refs: string[] = [];
  for (let made = 0; made < 7; made += 1) {
    refs.push((await provider.generate({ algorithm: 'ed25519', label: 'twin' })).ref);
  }
  for (const use of [
    async () => provider.open('memory:object=twin'),
    async () => provider.destroy('memory:'),
  ]) {
    const error = await refusal(use);
    expect(error.code).toBe('KEY_AMBIGUOUS');
    const sorted = refs.toSorted();
    for (const [index, ref] of sorted.entries()) expect(error.message.includes(ref)).toBe(index < 5);
    expect(error.message).toContain('and 2 more');
  }
  expect((await provider.list()).map(({ ref }) => ref)).toEqual(refs.toSorted());
  expect((await refusal(async () => provider.open('memory:?store=/s'))).code).toBe('KEY_HELD_ELSEWHERE');
});
