import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isPinProtected } from '@countersign/core';
import { expect, test } from 'vitest';
import { openProtected, quickProvider, utf8 } from './quick-provider.ts';
import { refusal } from './refusal.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const places = [
  ['in a directory', async () => quickProvider({ storeDirectory: join(await temporaryDirectory(), 'keys') })],
  ['in the process only', async () => quickProvider()],
] as const;

test.each(places)('%s: a key comes unlocked, opens locked, and its PIN unlocks it', async (_, make) => {
  const provider = await make();
  const made = await provider.generate({ algorithm: 'p256', label: 'mine', pin: utf8('123456') });
  expect(made.locked).toBe(false);
  await made.sign('ecdsa-sha256', utf8('x'));
  made.lock();
  expect(made.locked).toBe(true);

  const key = await openProtected(provider, made.ref);
  expect(key).toMatchObject({ ref: made.ref, label: 'mine', algorithm: 'p256', locked: true });
  expect(key.publicKey).toEqual(made.publicKey);
  expect((await refusal(async () => key.sign('ecdsa-sha256', utf8('x')))).code).toBe('PIN_REQUIRED');
  expect((await refusal(async () => key.sign('ed25519', utf8('x')))).code).toBe('SCHEME_NOT_SUPPORTED');

  const wrong = await refusal(async () => key.unlock(utf8('123457')));
  expect(wrong.code).toBe('PIN_INCORRECT');
  expect(wrong.message).toContain('31 tries are left');
  expect(`${wrong.message}${wrong.hint}`).not.toContain('123457');
  expect(key.locked).toBe(true);
  await key.unlock(utf8('123456'));
  expect(key.locked).toBe(false);
  expect(made.locked).toBe(true);
  expect(await key.retriesLeft()).toBe(31);
  await key.sign('ecdsa-sha256', utf8('x'));
});

test.each(places)('%s: a new PIN takes the place of the old one', async (_, make) => {
  const provider = await make();
  const { ref } = await provider.generate({ algorithm: 'p256', pin: utf8('old one') });
  const key = await openProtected(provider, ref);
  expect((await refusal(async () => key.changePin(utf8('wrong'), utf8('new one')))).code).toBe(
    'PIN_INCORRECT',
  );
  expect(await key.retriesLeft()).toBe(31);
  // A new PIN that is refused costs no try.
  expect((await refusal(async () => key.changePin(utf8('old one'), utf8('abc')))).code).toBe('PIN_INVALID');
  expect(await key.retriesLeft()).toBe(31);
  await key.changePin(utf8('old one'), utf8('new one'));
  expect((await refusal(async () => key.unlock(utf8('old one')))).code).toBe('PIN_INCORRECT');
  await key.unlock(utf8('new one'));
  const again = await openProtected(provider, ref);
  await again.unlock(utf8('new one'));
});

test.each(places)('%s: of two PIN changes at once, one holds and the other is refused', async (_, make) => {
  const provider = await make();
  const { ref } = await provider.generate({ algorithm: 'p256', pin: utf8('first') });
  const [a, b] = [await openProtected(provider, ref), await openProtected(provider, ref)];
  const outcomes = await Promise.allSettled([
    a.changePin(utf8('first'), utf8('from a')),
    b.changePin(utf8('first'), utf8('from b')),
  ]);
  const held = outcomes[0].status === 'fulfilled' ? 'from a' : 'from b';
  // The second may also have come so late that the first PIN was wrong already.
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  await a.unlock(utf8(held));
});

test.each(places)('%s: the PIN has 4 to 127 characters of UTF-8', async (_, make) => {
  const provider = await make();
  const withPin = async (pin: Uint8Array): Promise<unknown> => provider.generate({ algorithm: 'p256', pin });
  for (const pin of [
    utf8(''),
    utf8('123'),
    utf8('äöü'),
    utf8('1'.repeat(128)),
    Uint8Array.of(49, 50, 51, 0xff),
  ]) {
    expect((await refusal(async () => withPin(pin))).code).toBe('PIN_INVALID');
  }
  expect(await provider.list()).toEqual([]);
  for (const pin of [utf8('1234'), utf8('äöüß'), utf8('🔑🔑🔑🔑'), utf8('🔑'.repeat(127))]) {
    await withPin(pin);
  }
  expect(await provider.list()).toHaveLength(4);
});

test('a PIN is required in a directory; in the process only, a key without one has no lock', async () => {
  const stored = await quickProvider({ storeDirectory: await temporaryDirectory() });
  expect((await refusal(async () => stored.generate({ algorithm: 'p256' }))).code).toBe('PIN_REQUIRED');
  const provider = await quickProvider();
  const made = await provider.generate({ algorithm: 'p256' });
  expect(isPinProtected(made)).toBe(false);
  const opened = await provider.open(made.ref);
  expect(isPinProtected(opened)).toBe(false);
  await opened.sign('ecdsa-sha256', utf8('x'));
});

test('the caller may wipe its PIN buffers as soon as the call returns', async () => {
  const provider = await quickProvider({ storeDirectory: await temporaryDirectory() });
  const pin = utf8('123456');
  const making = provider.generate({ algorithm: 'p256', pin });
  pin.fill(0);
  const key = await making;
  key.lock();
  const [current, next] = [utf8('123456'), utf8('654321')];
  const changing = key.changePin(current, next);
  current.fill(0);
  next.fill(0);
  await changing;
  const again = utf8('654321');
  const unlocking = key.unlock(again);
  again.fill(0);
  await unlocking;
  expect(key.locked).toBe(false);
});

test('what is at rest is for its owner alone and holds neither the PIN nor the private key', async () => {
  const storeDirectory = join(await temporaryDirectory(), 'keys');
  const provider = await quickProvider({ storeDirectory });
  const key = await provider.generate({ algorithm: 'p256', label: 'visible', pin: utf8('secret-pin') });
  const path = join(storeDirectory, `${/id=([0-9a-f]+)/.exec(key.ref)?.[1]}.key.json`);
  expect((await stat(storeDirectory)).mode & 0o7777).toBe(0o700);
  expect((await stat(path)).mode & 0o7777).toBe(0o600);
  const bytes = await readFile(path);
  expect(bytes.includes('visible')).toBe(true);
  const values = [...bytes.toString().matchAll(/: "([^"]*)"/g)].map(([, value]) => value ?? '');
  expect(values.length).toBeGreaterThan(8);
  const searched = [bytes, ...values.map((value) => Buffer.from(value, 'base64'))];
  // The head of a P-256 PrivateKeyInfo (RFC 5208, RFC 5915): version, algorithm, and the octets before the scalar.
  const pkcs8Head = Buffer.from(
    '308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420',
    'hex',
  );
  for (const content of searched) {
    expect(content.includes('secret-pin')).toBe(false);
    expect(content.includes(pkcs8Head)).toBe(false);
    expect(content.includes(pkcs8Head.toString('base64').slice(0, 40))).toBe(false);
  }
});
