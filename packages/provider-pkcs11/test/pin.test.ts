import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatPkcs11Uri } from '@countersign/provider-pkcs11';
import { beforeAll, describe, expect, test } from 'vitest';
import { moduleMakers, providerOn, userPin, utf8, type ModuleUnderTest } from './module-under-test.ts';
import { refusal } from './refusal.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { verifies } from './verifies.ts';

const pin = utf8(userPin);
const message = utf8('message');

describe.each(Object.entries(moduleMakers))('%s', (_, make) => {
  let module: ModuleUnderTest;
  beforeAll(async () => {
    module = await make();
  });

  test('a wrong PIN is refused, logged in or not, and never shown', async () => {
    const provider = await providerOn(module);
    const key = await provider.generate({ algorithm: 'p256', pin });
    const second = await provider.open(key.ref);
    for (let tries = 0; tries < 2; tries += 1) {
      const error = await refusal(async () => second.unlock(utf8('not-the-PIN')));
      expect(error.code).toBe('PIN_INCORRECT');
      expect(`${error.message}${error.hint}${error.stack}`).not.toContain('not-the-PIN');
    }
    expect(second.locked).toBe(true);
    expect(key.locked).toBe(false);
    // The third in a row ends the login, so that the token itself counts the next.
    expect((await refusal(async () => second.unlock(utf8('not-the-PIN')))).code).toBe('PIN_INCORRECT');
    expect(key.locked).toBe(true);
    const counted = await refusal(async () => key.unlock(utf8('not-the-PIN')));
    expect(counted.code).toBe('PIN_INCORRECT');
    expect(counted.message).toContain('CKR_PIN_INCORRECT');
    expect((await refusal(async () => key.sign('ecdsa-sha256', message))).code).toBe('PIN_REQUIRED');
    expect(await key.retriesLeft()).toBeGreaterThan(0);
    await key.unlock(pin);
    await key.sign('ecdsa-sha256', message);
    await provider.destroy(key.ref);
  });

  test('each key is locked by itself, and the last to lock logs out', async () => {
    const provider = await providerOn(module);
    const other = await providerOn(module);
    const key = await provider.generate({ algorithm: 'p256', pin });
    const elsewhere = await other.open(key.ref);
    expect(elsewhere.locked).toBe(true);
    await elsewhere.unlock(pin);
    key.lock();
    key.lock();
    expect(key.locked).toBe(true);
    expect((await refusal(async () => key.sign('ecdsa-sha256', message))).code).toBe('PIN_REQUIRED');
    await elsewhere.sign('ecdsa-sha256', message);
    elsewhere.lock();
    expect((await refusal(async () => elsewhere.sign('ecdsa-sha256', message))).code).toBe('PIN_REQUIRED');
    await key.unlock(pin);
    await other.close();
    expect(verifies('ecdsa-sha256', key.publicKey, message, await key.sign('ecdsa-sha256', message))).toBe(
      true,
    );
    await provider.destroy(key.ref);
  });

  test('a locked key with a signature in flight finishes it, and makes no more', async () => {
    const provider = await providerOn(module, { maxSessions: 2 });
    const key = await provider.generate({ algorithm: 'rsa2048', pin });
    const signing = key.sign('rsa-pkcs1-sha256', message);
    key.lock();
    expect(verifies('rsa-pkcs1-sha256', key.publicKey, message, await signing)).toBe(true);
    expect((await refusal(async () => key.sign('rsa-pkcs1-sha256', message))).code).toBe('PIN_REQUIRED');
    await key.unlock(pin);
    await provider.destroy(key.ref);
  });

  test('the PIN is changed for the whole token', async () => {
    const provider = await providerOn(module);
    const key = await provider.generate({ algorithm: 'p256', pin });
    const newPin = utf8('new-PIN-8305');
    expect((await refusal(async () => key.changePin(utf8('wrong'), newPin))).code).toBe('PIN_INCORRECT');
    expect((await refusal(async () => key.changePin(pin, utf8('x'.repeat(3000))))).code).toBe('PIN_INVALID');
    expect((await refusal(async () => key.changePin(pin, Uint8Array.of(0xff, 0xfe, 0xfd, 0xfc)))).code).toBe(
      'PIN_INVALID',
    );
    await key.changePin(pin, newPin);
    await key.sign('ecdsa-sha256', message);
    key.lock();
    expect((await refusal(async () => key.unlock(pin))).code).toBe('PIN_INCORRECT');
    await key.unlock(newPin);
    await key.changePin(newPin, pin);
    const again = await provider.open(key.ref);
    await again.unlock(pin);
    await provider.destroy(key.ref);
  });

  test('a pin-source unlocks, and a wrong PIN in it is tried once', async () => {
    const provider = await providerOn(module);
    const key = await provider.generate({ algorithm: 'p256', pin });
    const pinSource = join(await temporaryDirectory(), 'pin');
    await writeFile(pinSource, `${userPin}\n`);
    await provider.close();
    const uri = formatPkcs11Uri({ token: module.tokenLabel, modulePath: module.modulePath, pinSource });
    const unattended = await providerOn(module, { uri });
    const opened = await unattended.open(key.ref);
    expect(opened.locked).toBe(false);
    await opened.sign('ecdsa-sha256', message);
    opened.lock();
    expect((await refusal(async () => opened.sign('ecdsa-sha256', message))).code).toBe('PIN_REQUIRED');
    const made = await unattended.generate({ algorithm: 'p256' });
    expect(made.locked).toBe(false);
    await unattended.destroy(made.ref);
    await unattended.destroy(key.ref);
    await unattended.close();
    await writeFile(pinSource, 'wrong PIN\n');
    const misled = await providerOn(module, { uri });
    expect((await refusal(async () => misled.open(key.ref))).code).toBe('PIN_INCORRECT');
    const missing = formatPkcs11Uri({ modulePath: module.modulePath, pinSource: `${pinSource}-none` });
    const without = await providerOn(module, { uri: missing });
    expect((await refusal(async () => without.open(key.ref))).code).toBe('FILE_UNREADABLE');
  });

  test('a key may want its PIN with every signature', async () => {
    const provider = await providerOn(module, { alwaysAuthenticate: true });
    const key = await provider.generate({ algorithm: 'rsa2048', pin });
    for (const scheme of ['rsa-pkcs1-sha256', 'rsa-pss-sha256'] as const) {
      expect(verifies(scheme, key.publicKey, message, await key.sign(scheme, message))).toBe(true);
    }
    key.lock();
    expect((await refusal(async () => key.sign('rsa-pss-sha256', message))).code).toBe('PIN_REQUIRED');
    await key.unlock(pin);
    await Promise.all(Array.from({ length: 6 }, async () => key.sign('rsa-pss-sha256', message)));
    await provider.destroy(key.ref);
  });
});
