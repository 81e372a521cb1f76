import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { dictionaryAttackLockReset } from '../../src/session/index.ts';
import { refusal } from '../refusal.ts';
import { lockout } from '../session/keys.ts';
import { asAdministrator, failures, makeScene, openGuarded, setTries, utf8 } from './scene.ts';
import { verifies } from './verifies.ts';

const pin = utf8('482913');
const wrong = utf8('not-the-PIN');
const message = utf8('message');

test('a wrong PIN is counted by the TPM, the message says how many are left and never the PIN', async () => {
  const { relay, provider: open } = await makeScene();
  await setTries(relay, 5, 1000);
  const provider = await open();
  const key = await provider.generate({ algorithm: 'p256', pin });
  expect(await key.retriesLeft()).toBe(5);
  key.lock();
  for (const left of [4, 3]) {
    const error = await refusal(async () => key.unlock(wrong));
    expect(error.code).toBe('PIN_INCORRECT');
    expect(error.message).toContain(`${left} of 5 tries are left`);
    expect(error.hint).toContain('1000 seconds');
    expect(`${error.message}${error.hint}${error.stack}`).not.toContain('not-the-PIN');
    expect(await key.retriesLeft()).toBe(left);
    expect(await failures(relay)).toBe(5 - left);
    expect(key.locked).toBe(true);
  }
  await key.unlock(pin);
  // A right PIN takes nothing back: other keys share the count.
  expect(await key.retriesLeft()).toBe(3);
  const error = await refusal(async () => key.unlock(wrong));
  expect(error.message).toContain('2 of 5');
  // The handle that was unlocked stays so: nobody used it with that PIN.
  expect(key.locked).toBe(false);
  const signature = await key.sign('ecdsa-sha256', message);
  expect(verifies('ecdsa-sha256', key.publicKey, message, signature)).toBe(true);
});

test('the last try is refused before the TPM is asked, unless it is allowed; then the TPM is locked', async () => {
  const { relay, provider: open } = await makeScene();
  await setTries(relay, 2, 777);
  const provider = await open();
  const key = await provider.generate({ algorithm: 'p256', pin });
  const used = await openGuarded(provider, key.ref);
  await used.unlock(pin);
  expect((await refusal(async () => key.unlock(wrong))).code).toBe('PIN_INCORRECT');
  expect(await failures(relay)).toBe(1);
  for (const use of [
    async () => key.unlock(wrong),
    async () => key.unlock(pin),
    async () => key.changePin(pin, utf8('another')),
  ]) {
    const error = await refusal(use);
    expect(error.code).toBe('PIN_FINAL_TRY');
    expect(error.hint).toContain('allowFinalPinTry');
  }
  expect(await failures(relay)).toBe(1);
  await used.sign('ecdsa-sha256', message);
  await provider.close();

  const daring = await open({ allowFinalPinTry: true });
  const again = await openGuarded(daring, key.ref);
  await again.unlock(pin);
  const other = await openGuarded(daring, key.ref);
  const locked = await refusal(async () => other.unlock(wrong));
  expect(locked.code).toBe('PIN_LOCKED');
  expect(locked.hint).toContain('777 seconds');
  expect(await other.retriesLeft()).toBe(0);
  for (const use of [
    async () => other.unlock(pin),
    async () => again.sign('ecdsa-sha256', message),
    async () => other.changePin(pin, utf8('another')),
  ]) {
    expect((await refusal(use)).code).toBe('PIN_LOCKED');
  }
  // Keys without a PIN are none of the lockout's business.
  const open2 = await daring.generate({ algorithm: 'p256' });
  await open2.sign('ecdsa-sha256', message);

  await asAdministrator(relay, async (pool) => dictionaryAttackLockReset(pool, lockout));
  expect(await other.retriesLeft()).toBe(2);
  await again.unlock(pin);
  const signature = await again.sign('ecdsa-sha256', message);
  expect(verifies('ecdsa-sha256', key.publicKey, message, signature)).toBe(true);
});

test('a lock heals by itself, as its message says', async () => {
  const { relay, provider: open } = await makeScene();
  await setTries(relay, 2, 1);
  const provider = await open({ allowFinalPinTry: true });
  const key = await provider.generate({ algorithm: 'p256', pin });
  const codes = new Set<string>();
  for (let tries = 0; tries < 10 && !codes.has('PIN_LOCKED'); tries += 1) {
    const error = await refusal(async () => key.unlock(wrong));
    codes.add(error.code);
    if (error.code === 'PIN_LOCKED') expect(error.hint).toContain('in 1 seconds');
  }
  expect([...codes]).toEqual(['PIN_INCORRECT', 'PIN_LOCKED']);
  while ((await key.retriesLeft()) === 0) await delay(50);
  await key.unlock(pin);
  await key.sign('ecdsa-sha256', message);
});

test('where nothing is ever forgotten, the message sends to the administrator', async () => {
  const { relay, provider: open } = await makeScene();
  await setTries(relay, 2, 0xffff_ffff);
  const provider = await open({ allowFinalPinTry: true });
  const key = await provider.generate({ algorithm: 'p256', pin });
  await refusal(async () => key.unlock(wrong));
  const error = await refusal(async () => key.unlock(wrong));
  expect(error.code).toBe('PIN_LOCKED');
  expect(error.hint).toContain('tpm2_dictionarylockout');
});

test('our own use with right PINs is never counted', async () => {
  const { relay, provider: open } = await makeScene();
  const provider = await open();
  const keys = await Promise.all(
    Array.from({ length: 5 }, async () => provider.generate({ algorithm: 'p256', pin })),
  );
  for (const key of keys) {
    key.lock();
    await key.unlock(pin);
    await key.changePin(pin, utf8('another'));
    await key.changePin(utf8('another'), pin);
  }
  for (let index = 0; index < 200; index += 1) {
    const key = keys[index % keys.length];
    await key?.sign('ecdsa-sha256', message);
  }
  await provider.close();
  const next = await open();
  await (await openGuarded(next, keys[0]?.ref ?? '')).unlock(pin);
  expect(await failures(relay)).toBe(0);
});

test('tries at once are each told the truth', async () => {
  const { relay, provider: open } = await makeScene();
  await setTries(relay, 10, 1000);
  const provider = await open();
  const key = await provider.generate({ algorithm: 'p256', pin });
  const handles = await Promise.all(Array.from({ length: 6 }, async () => openGuarded(provider, key.ref)));
  const outcomes = await Promise.allSettled(
    handles.map(async (handle, index) => handle.unlock(index % 2 === 0 ? pin : wrong)),
  );
  expect(outcomes.map(({ status }) => status)).toEqual(
    handles.map((_, index) => (index % 2 === 0 ? 'fulfilled' : 'rejected')),
  );
  expect(handles.map(({ locked }) => locked)).toEqual(handles.map((_, index) => index % 2 !== 0));
  expect(await failures(relay)).toBe(3);
});
