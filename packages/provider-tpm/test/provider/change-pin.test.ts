import { expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { expectNothingLeft, failures, makeScene, openGuarded, setTries, utf8 } from './scene.ts';
import { verifies } from './verifies.ts';

const pin = utf8('482913');
const newPin = utf8('a new PIN');
const message = utf8('message');

test('after a change the new PIN holds, for the same key, and other handles are locked', async () => {
  const { relay, provider: open } = await makeScene();
  await setTries(relay, 10, 1000);
  const provider = await open();
  const key = await provider.generate({ algorithm: 'p256', label: 'mine', pin });
  const [locked, unlocked] = [await openGuarded(provider, key.ref), await openGuarded(provider, key.ref)];
  await unlocked.unlock(pin);
  await key.changePin(pin, newPin);
  expect(key.locked).toBe(false);
  expect(unlocked.locked).toBe(true);
  expect(locked.locked).toBe(true);
  const signature = await key.sign('ecdsa-sha256', message);
  expect(verifies('ecdsa-sha256', key.publicKey, message, signature)).toBe(true);
  expect((await refusal(async () => unlocked.sign('ecdsa-sha256', message))).code).toBe('PIN_REQUIRED');
  expect((await refusal(async () => unlocked.unlock(pin))).code).toBe('PIN_INCORRECT');
  for (const handle of [unlocked, await openGuarded(provider, key.ref)]) {
    await handle.unlock(newPin);
    const second = await handle.sign('ecdsa-sha256', message);
    expect(verifies('ecdsa-sha256', key.publicKey, message, second)).toBe(true);
  }
  expect(await provider.list()).toMatchObject([{ ref: key.ref, label: 'mine', publicKey: key.publicKey }]);
  // A handle that was locked stays so.
  await locked.changePin(newPin, pin);
  expect(locked.locked).toBe(true);
  expect(key.locked).toBe(true);
  await key.unlock(pin);
  expect(await failures(relay)).toBe(1);
  await provider.close();
  await expectNothingLeft(relay);
});

test('a wrong current PIN counts, a bad new one does not, and nothing changes', async () => {
  const { relay, provider: open } = await makeScene();
  await setTries(relay, 10, 1000);
  const provider = await open();
  const key = await provider.generate({ algorithm: 'p256', pin });
  const file = await provider.exportKeyFile(key.ref);
  const error = await refusal(async () => key.changePin(utf8('wrong'), newPin));
  expect(error.code).toBe('PIN_INCORRECT');
  expect(error.message).toContain('9 of 10');
  expect(await failures(relay)).toBe(1);
  for (const bad of [
    utf8(''),
    utf8('123'),
    utf8('x'.repeat(33)),
    utf8('1234\0'),
    Uint8Array.of(255, 254, 1, 2),
  ]) {
    expect((await refusal(async () => key.changePin(pin, bad))).code).toBe('PIN_INVALID');
  }
  expect(await failures(relay)).toBe(1);
  expect(await provider.exportKeyFile(key.ref)).toEqual(file);
  expect(key.locked).toBe(false);
  await key.sign('ecdsa-sha256', message);
});

test('an old copy of the key file keeps the old PIN', async () => {
  const { relay, provider: open } = await makeScene();
  await setTries(relay, 10, 1000);
  const provider = await open();
  const key = await provider.generate({ algorithm: 'p256', pin });
  const copy = await provider.exportKeyFile(key.ref);
  await key.changePin(pin, newPin);
  await provider.destroy(key.ref);
  const restored = await openGuarded(provider, await provider.importKeyFile(copy));
  expect((await refusal(async () => restored.unlock(newPin))).code).toBe('PIN_INCORRECT');
  await restored.unlock(pin);
  const signature = await restored.sign('ecdsa-sha256', message);
  expect(verifies('ecdsa-sha256', key.publicKey, message, signature)).toBe(true);
});

test('two that change a PIN at once: one does, the other is told, and no PIN is lost', async () => {
  const { relay, provider: open } = await makeScene();
  await setTries(relay, 50, 1000);
  const maker = await open();
  const { ref } = await maker.generate({ algorithm: 'p256', pin });
  await maker.close();
  let current = pin;
  for (let round = 0; round < 5; round += 1) {
    const wanted = [utf8(`first ${round}`), utf8(`second ${round}`)];
    // Without a resource manager they share the TPM's slots, so each leaves after its turn.
    const providers = [await open(), await open()];
    const keys = await Promise.all(providers.map(async (provider) => openGuarded(provider, ref)));
    const outcomes = await Promise.allSettled(
      keys.map(async (key, index) => key.changePin(current, wanted[index] ?? pin)),
    );
    const winners = wanted.filter((_, index) => outcomes[index]?.status === 'fulfilled');
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') {
        const { code } = await refusal(() => Promise.reject(outcome.reason));
        expect(['STATE_LOCKED', 'PIN_INCORRECT']).toContain(code);
      }
    }
    const [winner] = winners;
    if (winner === undefined || winners.length > 1) throw new Error(`${winners.length} changed the PIN`);
    current = winner;
    for (const provider of providers) await provider.close();
    const next = await open();
    await (await openGuarded(next, ref)).unlock(current);
    await next.close();
  }
});

test.each([
  ['four octets', '1234'],
  ['32 octets', 'x'.repeat(32)],
  ['32 octets of two-octet characters', 'ü'.repeat(16)],
  ['a NUL within', '12\u000034'],
  ['a NUL first', '\u00001234'],
  ['spaces around', ' 1234 '],
])('a PIN with %s works, and nothing near it', async (_, text) => {
  const { relay, provider: open } = await makeScene();
  await setTries(relay, 10, 1000);
  const provider = await open();
  const key = await provider.generate({ algorithm: 'p256', pin: utf8(text) });
  key.lock();
  for (const near of [text.slice(0, -1), text.slice(1), text.trim().replaceAll('\0', '').slice(0, 3)]) {
    if (near === '') continue;
    expect((await refusal(async () => key.unlock(utf8(near)))).code).toBe('PIN_INCORRECT');
  }
  await key.unlock(utf8(text));
  await key.changePin(utf8(text), newPin);
  await key.changePin(newPin, utf8(text));
  key.lock();
  await key.unlock(utf8(text));
  await key.sign('ecdsa-sha256', message);
});

test('what cannot be the PIN is not worth a try', async () => {
  const { relay, provider: open } = await makeScene();
  const provider = await open();
  const key = await provider.generate({ algorithm: 'p256', pin });
  for (const impossible of [new Uint8Array(), new Uint8Array(33).fill(0x31)]) {
    expect((await refusal(async () => key.unlock(impossible))).code).toBe('PIN_INVALID');
    expect((await refusal(async () => key.changePin(impossible, newPin))).code).toBe('PIN_INVALID');
  }
  expect(await failures(relay)).toBe(0);
});
