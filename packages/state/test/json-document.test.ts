import { JsonObject, parseJsonDocument } from '@countersign/state';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { refusal } from './refusal.ts';

test('reads any JSON document', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(parseJsonDocument(Buffer.from(text), 'f')).toEqual(JSON.parse(text));
    }),
  );
});

test('refuses what is not UTF-8 or not JSON, names the file and quotes nothing of it', async () => {
  const broken = [Buffer.of(0x22, 0xff, 0x22), '', '{', '{"pin":"1234",}', "{'a':1}", '1 2', 'nul', '\0'];
  for (const content of broken) {
    const error = await refusal(() => parseJsonDocument(Buffer.from(content), '/state/file.json'));
    expect(error.code).toBe('STATE_DAMAGED');
    expect(error.message).toContain('/state/file.json');
    expect(`${error.message} ${String(error.cause)}`).not.toContain('1234');
  }
});

const sample = {
  text: 'x',
  number: 7,
  flag: true,
  at: '2026-01-31T12:00:00.000Z',
  base64: 'AP8=',
  hex: '00ff',
  inner: { a: 'b' },
  list: [{ n: 1 }, { n: 2 }],
  words: ['a', 'b'],
  record: { z: '1', a: '2' },
};

test('reads each type', () => {
  const object = JsonObject.from(sample, 'f');
  expect(object.string('text')).toBe('x');
  expect(object.oneOf('text', ['y', 'x'])).toBe('x');
  expect(object.integer('number', { min: 7, max: 7 })).toBe(7);
  expect(object.boolean('flag')).toBe(true);
  expect(object.date('at')).toEqual(new Date('2026-01-31T12:00:00Z'));
  expect(object.bytesBase64('base64')).toEqual(Uint8Array.of(0, 255));
  expect(object.bytesHex('hex')).toEqual(Uint8Array.of(0, 255));
  expect(object.object('inner').string('a')).toBe('b');
  expect(object.array('list')).toHaveLength(2);
  expect(object.objects('list').map((element) => element.integer('n'))).toEqual([1, 2]);
  expect(object.strings('words')).toEqual(['a', 'b']);
  expect(Object.entries(object.stringRecord('record'))).toEqual([
    ['z', '1'],
    ['a', '2'],
  ]);
  object.end();
});

test('optional fields may be absent, and must have their type where present', async () => {
  const object = JsonObject.from({ present: 5 }, 'f');
  expect(object.optionalString('s')).toBeUndefined();
  expect(object.optionalInteger('i')).toBeUndefined();
  expect(object.optionalBoolean('b')).toBeUndefined();
  expect(object.optionalDate('d')).toBeUndefined();
  expect(object.optionalBytesBase64('y')).toBeUndefined();
  expect(object.optionalObject('o')).toBeUndefined();
  expect(object.optionalInteger('present')).toBe(5);
  expect((await refusal(() => object.optionalString('present'))).code).toBe('STATE_DAMAGED');
});

test('every refusal names the file and the field', async () => {
  const object = JsonObject.from(
    { ...sample, bad: null, late: '2026-02-30T00:00:00.000Z', b64: 'AP9=' },
    'f',
  );
  const refused: readonly [string, () => unknown][] = [
    ['text', () => object.integer('text')],
    ['number', () => object.string('number')],
    ['number', () => object.integer('number', { min: 8 })],
    ['number', () => object.integer('number', { max: 6 })],
    ['number', () => object.boolean('number')],
    ['text', () => object.date('text')],
    ['late', () => object.date('late')],
    ['text', () => object.bytesBase64('text')],
    ['b64', () => object.bytesBase64('b64')],
    ['text', () => object.bytesHex('text')],
    ['text', () => object.oneOf('text', ['y'])],
    ['list', () => object.object('list')],
    ['inner', () => object.array('inner')],
    ['words[0]', () => object.objects('words')],
    ['list[0]', () => object.strings('list')],
    ['record', () => object.object('record').integer('z')],
    ['bad', () => object.string('bad')],
    ['absent', () => object.string('absent')],
    ['toString', () => object.string('toString')],
  ];
  for (const [field, read] of refused) {
    const error = await refusal(read);
    expect(error.code).toBe('STATE_DAMAGED');
    expect(error.message).toMatch(/^f: /);
    expect(error.message).toContain(field);
  }
  for (const value of [null, [], 'text', 7, undefined]) {
    expect((await refusal(() => JsonObject.from(value, 'f'))).code).toBe('STATE_DAMAGED');
  }
});

test('fields that nobody read are refused, __proto__ among them', async () => {
  const object = JsonObject.from(parseJsonDocument(Buffer.from('{"a":1,"__proto__":{}}'), 'f'), 'f');
  object.integer('a');
  expect((await refusal(() => object.end())).message).toContain('__proto__');
});

test('base64 and hex are read in their canonical form only', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const encoded = { b: Buffer.from(bytes).toString('base64'), h: Buffer.from(bytes).toString('hex') };
      const object = JsonObject.from(encoded, 'f');
      expect(object.bytesBase64('b')).toEqual(bytes);
      expect(object.bytesHex('h')).toEqual(bytes);
    }),
  );
});
