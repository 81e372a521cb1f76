import { randomBytes } from 'node:crypto';
import { isPinProtected } from '@countersign/core';
import { getHandles, parseTpmUri } from '@countersign/provider-tpm';
import { expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { expectNothingLeft, makeScene, openGuarded, utf8 } from './scene.ts';
import { verifies } from './verifies.ts';

const pin = utf8('482913');
const message = utf8('message');

test('makes every algorithm that it reports, and signs with every scheme', async () => {
  const scene = await makeScene();
  const provider = await scene.provider();
  const { algorithms, scheme, description } = provider.info;
  expect(scheme).toBe('tpm');
  expect(description).toContain(scene.storeDirectory);
  expect(algorithms).toEqual(expect.arrayContaining(['p256', 'rsa2048', 'p384']));
  // Making RSA keys of 4096 bits can take a TPM minutes.
  for (const algorithm of algorithms.filter((name) => name !== 'rsa4096')) {
    const key = await provider.generate({ algorithm, label: `a ${algorithm}`, pin });
    expect(key).toMatchObject({ algorithm, label: `a ${algorithm}`, locked: false });
    expect(key.schemes.length).toBeGreaterThan(0);
    for (const each of key.schemes) {
      const text = randomBytes(100);
      const signature = await key.sign(each, text);
      expect(verifies(each, key.publicKey, text, signature)).toBe(true);
      text[0] = (text[0] ?? 0) ^ 1;
      expect(verifies(each, key.publicKey, text, signature)).toBe(false);
    }
    expect((await refusal(async () => key.sign('ed25519', message))).code).toBe('SCHEME_NOT_SUPPORTED');
    await provider.destroy(key.ref);
  }
  expect(await provider.list()).toEqual([]);
});

test('a reference from generate or list opens that key alone, which comes back locked', async () => {
  const scene = await makeScene();
  const provider = await scene.provider();
  const made = await provider.generate({ algorithm: 'p256', label: 'twin', pin });
  const other = await provider.generate({ algorithm: 'p256', label: 'twin', pin });
  expect(parseTpmUri(made.ref)).toMatchObject({ store: scene.storeDirectory });
  expect(parseTpmUri(made.ref).id).toMatch(/^[0-9a-f]{32}$/);
  const listed = (await provider.list()).toSorted((a, b) => a.ref.localeCompare(b.ref));
  const expected = [made, other].map(({ ref, label, algorithm, publicKey }) => ({
    ref,
    label,
    algorithm,
    publicKey,
  }));
  expect(listed).toEqual(expected.toSorted((a, b) => a.ref.localeCompare(b.ref)));
  const opened = await openGuarded(provider, made.ref);
  expect(opened.publicKey).toEqual(made.publicKey);
  expect(opened.locked).toBe(true);
  expect((await refusal(async () => opened.sign('ecdsa-sha256', message))).code).toBe('PIN_REQUIRED');
  await opened.unlock(pin);
  expect(opened.locked).toBe(false);
  const signature = await opened.sign('ecdsa-sha256', message);
  expect(verifies('ecdsa-sha256', made.publicKey, message, signature)).toBe(true);
  opened.lock();
  expect((await refusal(async () => opened.sign('ecdsa-sha256', message))).code).toBe('PIN_REQUIRED');
  expect(made.locked).toBe(false);
});

test('references that match none, several, or keys elsewhere are told apart', async () => {
  const scene = await makeScene();
  const provider = await scene.provider();
  const made = await provider.generate({ algorithm: 'p256', label: 'twin', pin });
  const other = await provider.generate({ algorithm: 'p256', label: 'twin', pin });
  const ambiguous = await refusal(async () => provider.open('tpm:object=twin'));
  expect(ambiguous.code).toBe('KEY_AMBIGUOUS');
  expect(ambiguous.message).toContain(made.ref);
  expect(ambiguous.message).toContain(other.ref);
  const { id = '' } = parseTpmUri(made.ref);
  expect((await provider.open(`tpm:id=${id};object=twin`)).ref).toBe(made.ref);
  expect((await provider.open(`tpm:id=${id}?store=${scene.storeDirectory}/`)).ref).toBe(made.ref);
  for (const [ref, code] of [
    ['tpm:object=nobody', 'KEY_NOT_FOUND'],
    ['tpm:object=Twin', 'KEY_NOT_FOUND'],
    [`tpm:id=${'0'.repeat(32)}`, 'KEY_NOT_FOUND'],
    [`tpm:id=${id};object=nobody`, 'KEY_NOT_FOUND'],
    [`tpm:id=${id}?store=/elsewhere`, 'KEY_HELD_ELSEWHERE'],
    [`tpm:device=%2Fdev%2Ftpmrm0;id=${id}`, 'KEY_HELD_ELSEWHERE'],
    ['pkcs11:object=twin', 'KEY_REFERENCE_MALFORMED'],
    ['', 'KEY_REFERENCE_MALFORMED'],
  ] as const) {
    for (const use of [
      async () => provider.open(ref),
      async () => provider.destroy(ref),
      async () => provider.getCertificate(ref),
      async () => provider.exportKeyFile(ref),
    ]) {
      expect((await refusal(use)).code).toBe(code);
    }
  }
  expect((await refusal(async () => provider.destroy('tpm:object=twin'))).code).toBe('KEY_AMBIGUOUS');
  expect(await provider.list()).toHaveLength(2);
  await provider.destroy(other.ref);
  expect((await provider.open('tpm:object=twin')).ref).toBe(made.ref);
});

test('a destroyed key is gone for every handle, and from the TPM', async () => {
  const scene = await makeScene();
  const provider = await scene.provider();
  const key = await provider.generate({ algorithm: 'p256', pin });
  const second = await openGuarded(provider, key.ref);
  await second.unlock(pin);
  await key.sign('ecdsa-sha256', message);
  await provider.destroy(key.ref);
  expect(await getHandles(scene.relay, 'transient')).toEqual([]);
  for (const use of [
    async () => provider.open(key.ref),
    async () => provider.destroy(key.ref),
    async () => key.sign('ecdsa-sha256', message),
    async () => second.sign('ecdsa-sha256', message),
    async () => second.unlock(pin),
    async () => second.changePin(pin, pin),
  ]) {
    expect((await refusal(use)).code).toBe('KEY_NOT_FOUND');
  }
  expect(second.locked).toBe(true);
});

test('a message that changes while it is signed does not change what is signed', async () => {
  const provider = await (await makeScene()).provider();
  const key = await provider.generate({ algorithm: 'rsa2048', pin });
  const text = randomBytes(500);
  const original = Uint8Array.from(text);
  const signing = Array.from({ length: 6 }, async () => key.sign('rsa-pss-sha256', text));
  text.fill(0);
  for (const signature of await Promise.all(signing)) {
    expect(verifies('rsa-pss-sha256', key.publicKey, original, signature)).toBe(true);
  }
});

test('PIN buffers may be wiped as soon as a call is made', async () => {
  const provider = await (await makeScene()).provider();
  const own = Uint8Array.from(pin);
  const generating = provider.generate({ algorithm: 'p256', pin: own });
  own.fill(0);
  const key = await generating;
  key.lock();
  const again = Uint8Array.from(pin);
  const unlocking = key.unlock(again);
  again.fill(0);
  await unlocking;
  const [current, next] = [Uint8Array.from(pin), utf8('another')];
  const changing = key.changePin(current, next);
  current.fill(0);
  next.fill(0);
  await changing;
  key.lock();
  await key.unlock(utf8('another'));
});

test('a key without a PIN is used at once, by whoever has its file and the TPM', async () => {
  const scene = await makeScene();
  const provider = await scene.provider();
  const made = await provider.generate({ algorithm: 'p256', label: 'open' });
  expect(isPinProtected(made)).toBe(false);
  const opened = await provider.open(made.ref);
  expect(isPinProtected(opened)).toBe(false);
  for (const key of [made, opened]) {
    const signature = await key.sign('ecdsa-sha256', message);
    expect(verifies('ecdsa-sha256', made.publicKey, message, signature)).toBe(true);
  }
  await provider.close();
  expect((await refusal(async () => made.sign('ecdsa-sha256', message))).code).toBe('PROVIDER_CLOSED');
});

test('what cannot be made is refused, and leaves nothing behind', async () => {
  const scene = await makeScene();
  const provider = await scene.provider();
  const algorithm = 'p256';
  for (const algorithmLacking of ['ed25519', 'rsa4096'] as const) {
    const error = await refusal(async () => provider.generate({ algorithm: algorithmLacking, pin }));
    expect(error.code).toBe('ALGORITHM_NOT_SUPPORTED');
    expect(error.hint).toContain('p256');
  }
  for (const label of ['x'.repeat(256), '\ud800', 'a\udc00b']) {
    expect((await refusal(async () => provider.generate({ algorithm, label, pin }))).code).toBe(
      'VALUE_OUT_OF_RANGE',
    );
  }
  for (const bad of ['', '123', 'x'.repeat(33), '1234\0', 'ü'.repeat(17)]) {
    expect((await refusal(async () => provider.generate({ algorithm, pin: utf8(bad) }))).code).toBe(
      'PIN_INVALID',
    );
  }
  expect(await provider.list()).toEqual([]);
  for (const label of ['', 'x'.repeat(255), '\0\n"\\', '𝄞'.repeat(100)]) {
    expect((await provider.open((await provider.generate({ algorithm, label })).ref)).label).toBe(label);
  }
  await provider.close();
  await expectNothingLeft(scene.relay);
});
