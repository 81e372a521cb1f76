import { randomBytes } from 'node:crypto';
import { parsePkcs11Uri } from '@countersign/provider-pkcs11';
import { beforeAll, describe, expect, test } from 'vitest';
import { moduleMakers, providerOn, userPin, utf8, type ModuleUnderTest } from './module-under-test.ts';
import { refusal } from './refusal.ts';
import { verifies } from './verifies.ts';

const pin = utf8(userPin);

describe.each(Object.entries(moduleMakers))('%s', (_, make) => {
  let module: ModuleUnderTest;
  beforeAll(async () => {
    module = await make();
  });

  test('makes every algorithm that it reports, and signs with every scheme', async () => {
    const provider = await providerOn(module);
    const { algorithms } = provider.info;
    expect(algorithms).toEqual(expect.arrayContaining(['p256', 'p384', 'p521', 'rsa2048', 'rsa3072']));
    for (const algorithm of algorithms.filter((name) => name !== 'rsa4096')) {
      const key = await provider.generate({ algorithm, label: `a ${algorithm}`, pin });
      expect(key.algorithm).toBe(algorithm);
      expect(key.locked).toBe(false);
      expect(key.schemes.length).toBeGreaterThan(0);
      for (const scheme of key.schemes) {
        const message = randomBytes(100);
        const signature = await key.sign(scheme, message);
        expect(verifies(scheme, key.publicKey, message, signature)).toBe(true);
        message[0] = (message[0] ?? 0) ^ 1;
        expect(verifies(scheme, key.publicKey, message, signature)).toBe(false);
      }
      await provider.destroy(key.ref);
    }
    expect(await provider.list()).toEqual([]);
  });

  test('signs the empty message with every algorithm', async () => {
    const provider = await providerOn(module);
    const empty = new Uint8Array();
    for (const algorithm of provider.info.algorithms.filter((name) => !name.startsWith('rsa'))) {
      const key = await provider.generate({ algorithm, pin });
      for (const scheme of key.schemes) {
        expect(verifies(scheme, key.publicKey, empty, await key.sign(scheme, empty))).toBe(true);
      }
      await provider.destroy(key.ref);
    }
  });

  test('keys are made while others are destroyed', async () => {
    const provider = await providerOn(module);
    const holder = await provider.generate({ algorithm: 'p256', label: 'holder', pin });
    for (let round = 0; round < 5; round += 1) {
      const old = [0, 1, 2].map(async () => provider.generate({ algorithm: 'p256', label: 'old', pin }));
      const refs = (await Promise.all(old)).map(({ ref }) => ref);
      const [made] = await Promise.all([
        provider.generate({ algorithm: 'p256', label: 'new', pin }),
        ...refs.map(async (ref) => provider.destroy(ref)),
      ]);
      expect((await provider.list()).map(({ label }) => label).toSorted()).toEqual(['holder', 'new']);
      await provider.destroy(made.ref);
    }
    await provider.destroy(holder.ref);
  });

  test('a reference from generate or list opens that key alone, which comes back locked', async () => {
    const provider = await providerOn(module);
    const made = await provider.generate({ algorithm: 'p256', label: 'twin', pin });
    const other = await provider.generate({ algorithm: 'p256', label: 'twin', pin });
    expect(parsePkcs11Uri(made.ref)).toMatchObject({ token: module.tokenLabel, type: 'private' });
    expect(parsePkcs11Uri(made.ref).modulePath).toContain('.so');
    expect((await provider.list()).map(({ ref }) => ref).toSorted()).toEqual(
      [made.ref, other.ref].toSorted(),
    );
    const opened = await provider.open(made.ref);
    expect(opened.publicKey).toEqual(made.publicKey);
    expect(opened.locked).toBe(true);
    expect((await refusal(async () => opened.sign('ecdsa-sha256', pin))).code).toBe('PIN_REQUIRED');
    await opened.unlock(pin);
    expect(verifies('ecdsa-sha256', made.publicKey, pin, await opened.sign('ecdsa-sha256', pin))).toBe(true);
    const ambiguous = await refusal(async () => provider.open('pkcs11:object=twin'));
    expect(ambiguous.code).toBe('KEY_AMBIGUOUS');
    expect(ambiguous.message).toContain('twin');
    const missing = await refusal(async () => provider.open('pkcs11:object=nobody'));
    expect(missing.code).toBe('KEY_NOT_FOUND');
    await provider.destroy(made.ref);
    await provider.destroy(other.ref);
    expect((await refusal(async () => provider.open(made.ref))).code).toBe('KEY_NOT_FOUND');
    expect((await refusal(async () => made.sign('ecdsa-sha256', pin))).code).toBe('KEY_NOT_FOUND');
  });

  test('says where a key came from, as the word of the module', async () => {
    const provider = await providerOn(module);
    const key = await provider.generate({ algorithm: 'p256', pin });
    const claims = await key.originClaims();
    for (const claim of [claims.local, claims.alwaysSensitive, claims.neverExtractable]) {
      expect([true, false, undefined]).toContain(claim);
    }
    expect(key.ref).toContain(`serial=${claims.serialNumber.replaceAll(' ', '%20')}`);
    expect(claims.manufacturer).not.toBe('');
    await provider.destroy(key.ref);
  });

  test('a message that changes while it is signed does not change what is signed', async () => {
    const provider = await providerOn(module, { maxSessions: 2 });
    const key = await provider.generate({ algorithm: 'rsa2048', pin });
    const message = randomBytes(500);
    const original = Uint8Array.from(message);
    const signing = Array.from({ length: 12 }, async () => key.sign('rsa-pss-sha256', message));
    message.fill(0);
    for (const signature of await Promise.all(signing)) {
      expect(verifies('rsa-pss-sha256', key.publicKey, original, signature)).toBe(true);
    }
    await provider.destroy(key.ref);
  });

  test('after close nothing works, and a new provider finds the keys', async () => {
    const provider = await providerOn(module);
    const key = await provider.generate({ algorithm: 'p256', label: 'lasting', pin });
    const inFlight = key.sign('ecdsa-sha256', pin);
    await provider.close();
    await provider.close();
    await inFlight.catch(() => undefined);
    for (const use of [
      async () => key.sign('ecdsa-sha256', pin),
      async () => key.unlock(pin),
      async () => provider.list(),
      async () => provider.generate({ algorithm: 'p256', pin }),
      async () => provider.destroy(key.ref),
    ]) {
      expect((await refusal(use)).code).toBe('PROVIDER_CLOSED');
    }
    expect(key.locked).toBe(true);
    const next = await providerOn(module);
    const again = await next.open(key.ref);
    await again.unlock(pin);
    expect(verifies('ecdsa-sha256', key.publicKey, pin, await again.sign('ecdsa-sha256', pin))).toBe(true);
    await next.destroy(key.ref);
  });
});
