import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  checkPin,
  defaultPinPolicy,
  effectivePinPolicy,
  isSimple,
  PinHistory,
  type PinPolicySettings,
} from '@countersign/hello';
import { describe, expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { temporaryDirectory } from '../temporary-directory.ts';

const pinOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const check = async (text: string, settings: PinPolicySettings = {}): Promise<void> =>
  checkPin(pinOf(text), effectivePinPolicy(settings));

describe('the simple-PIN rule', () => {
  test.each(['1111', '1234', '1357', '9630', '1593', '7036'])('finds %s simple', (pin) => {
    expect(isSimple(pinOf(pin))).toBe(true);
  });

  test.each(['1231', '1872', '111a', '12345x'])('does not find %s simple', (pin) => {
    expect(isSimple(pinOf(pin))).toBe(false);
  });

  test.each([4, 5, 6])('refuses exactly 100 PINs of %i digits', (length) => {
    let simple = 0;
    for (let number = 0; number < 10 ** length; number += 1) {
      if (isSimple(pinOf(String(number).padStart(length, '0')))) simple += 1;
    }
    expect(simple).toBe(100);
  });
});

describe('settings', () => {
  test('that are absent have the defaults', () => {
    expect(effectivePinPolicy()).toEqual(defaultPinPolicy);
    expect(defaultPinPolicy).toMatchObject({ minimumPinLength: 6, maximumPinLength: 127, digits: 'require' });
  });

  test.each([
    [{ minimumPinLength: 10, maximumPinLength: 10 }],
    [{ minimumPinLength: 20, maximumPinLength: 8 }],
    [{ maximumPinLength: 5 }],
  ])('%j contradict each other: both lengths are the defaults', (settings) => {
    expect(effectivePinPolicy(settings)).toEqual(defaultPinPolicy);
  });

  test('that allow all kinds of characters and require none fall back to digits alone', () => {
    const all = {
      digits: 'allow',
      lowercaseLetters: 'allow',
      uppercaseLetters: 'allow',
      specialCharacters: 'allow',
    } as const;
    expect(effectivePinPolicy(all)).toEqual(defaultPinPolicy);
    expect(effectivePinPolicy({ ...all, lowercaseLetters: 'require' })).toMatchObject({
      digits: 'allow',
      lowercaseLetters: 'require',
    });
  });

  test.each([
    [{ minimumPinLength: 3 }],
    [{ maximumPinLength: 128 }],
    [{ expirationDays: 731 }],
    [{ history: 51 }],
    [{ history: 1.5 }],
    [{ minimumPinLength: Number.NaN }],
  ])('%j are out of range', async (settings) => {
    await refusal(
      Promise.resolve().then(() => effectivePinPolicy(settings)),
      'POLICY_INVALID',
    );
  });
});

describe('a PIN', () => {
  test.each<[string, PinPolicySettings]>([
    ['482913', {}],
    ['4829', { minimumPinLength: 4 }],
    ['a4b2c9', { lowercaseLetters: 'allow' }],
    ['aB3$efgh', { lowercaseLetters: 'require', uppercaseLetters: 'require', specialCharacters: 'require' }],
    ['abcdef', { digits: 'disallow', lowercaseLetters: 'require' }],
  ])('%s is taken under %j', async (pin, settings) => {
    await expect(check(pin, settings)).resolves.toBeUndefined();
  });

  test.each<[string, string, PinPolicySettings]>([
    ['48291', 'too short', {}],
    ['1'.repeat(128), 'too long', {}],
    ['4829ab', 'has lower-case letters', {}],
    ['4829AB', 'has upper-case letters', {}],
    ['4829!!', 'has special characters', {}],
    ['abcdefg', 'has no digits', { lowercaseLetters: 'allow' }],
    ['482913', 'has no special characters', { specialCharacters: 'require' }],
    ['123456', 'even steps', {}],
    ['4829 13', 'neither a digit', {}],
    ['48291ü', 'neither a digit', {}],
  ])('%s is refused: %s', async (pin, rule, settings) => {
    const work = Promise.resolve().then(async () => check(pin, settings));
    await refusal(work, 'PIN_INVALID');
    await expect(Promise.resolve().then(async () => check(pin, settings))).rejects.toThrow(rule);
    await expect(Promise.resolve().then(async () => check(pin, settings))).rejects.not.toThrow(pin);
  });
});

describe('the history', () => {
  const cheap = { N: 16, r: 1, p: 1 };
  const at = new Date('2026-05-06T07:08:09Z');

  test('keeps the last PINs from coming again, and no others, across processes', async () => {
    const directory = await temporaryDirectory();
    const policy = { history: 2 };
    const history = (): PinHistory => new PinHistory(directory, cheap);
    for (const pin of ['482911', '482912', '482913']) await history().remember(pinOf(pin), at, policy);
    await expect(history().assertNotUsed(pinOf('482911'), policy)).resolves.toBeUndefined();
    for (const pin of ['482912', '482913']) {
      await refusal(history().assertNotUsed(pinOf(pin), policy), 'PIN_INVALID');
    }
    await expect(history().assertNotUsed(pinOf('482913'), { history: 0 })).resolves.toBeUndefined();
    await history().forget();
    await expect(history().assertNotUsed(pinOf('482913'), policy)).resolves.toBeUndefined();
  });

  test('tells when a PIN expires', async () => {
    const history = new PinHistory(await temporaryDirectory(), cheap);
    expect(await history.expiresAt({ expirationDays: 30 })).toBeUndefined();
    await history.remember(pinOf('482913'), at, { history: 0 });
    expect(await history.expiresAt({ expirationDays: 0 })).toBeUndefined();
    expect(await history.expiresAt({ expirationDays: 30 })).toEqual(new Date('2026-06-05T07:08:09Z'));
  });

  test('holds no PIN and no unsalted hash', async () => {
    const directory = await temporaryDirectory();
    const history = new PinHistory(directory, cheap);
    for (let times = 0; times < 2; times += 1) await history.remember(pinOf('482913'), at, { history: 5 });
    const text = await readFile(join(directory, 'pin-history.json'), 'utf8');
    expect(text).not.toContain('482913');
    const hashes = [...text.matchAll(/"hash": "([0-9a-f]+)"/g)].map(([, hash]) => hash);
    expect(new Set(hashes).size).toBe(2);
  });
});
