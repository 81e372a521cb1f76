import {
  encodeDnWithBinary,
  fromRegisteredKeyCredential,
  KeyCredential,
  parseDnWithBinary,
} from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { refusal } from '../../refusal.ts';
import { ldbAddValues, ldbValues, type SambaDomain } from '@countersign/hello/trial-domain';
import { helloKeyValue, keyIdOf, newKey, otherUsageValue, senselessValue } from './key-values.ts';
import { newName, openDirectory } from './open-directory.ts';

const attribute = 'msDS-KeyCredentialLink';

export function changingKeys(domain: () => SambaDomain): void {
  describe('registering a key', () => {
    test.each(['rsa-2048', 'p-256', 'p-384', 'ed25519'] as const)(
      'of %s writes the value that it should, byte for byte',
      async (kind) => {
        const { upn, distinguishedName } = await domain().addUser({ name: newName() });
        const now = new Date('2026-02-03T04:05:06.789Z');
        const directory = await openDirectory(domain(), { clock: () => now });
        const publicKey = newKey(kind);
        const registered = await directory.registerKey(upn, publicKey);
        expect(registered).toEqual({ keyId: keyIdOf(publicKey), publicKey, registeredAt: now });
        const { octets } = fromRegisteredKeyCredential(registered);
        expect(await ldbValues(domain(), distinguishedName, attribute)).toEqual([
          encodeDnWithBinary({ octets, distinguishedName }),
        ]);
        expect((await directory.findByUpn(upn))?.keyCredentials).toEqual([registered]);
      },
    );

    test('tells of the device, if it is given', async () => {
      const { upn, distinguishedName } = await domain().addUser({ name: newName() });
      const deviceId = '47f577e3-d2d0-4a0a-8aca-e0501098bde4';
      const directory = await openDirectory(domain());
      await directory.registerKey(upn, newKey(), { deviceId });
      const [value = ''] = await ldbValues(domain(), distinguishedName, attribute);
      expect(KeyCredential.parse(parseDnWithBinary(value).octets)).toMatchObject({ deviceId });
    });

    test('again leaves it as it is', async () => {
      const { upn, distinguishedName } = await domain().addUser({ name: newName() });
      let now = new Date('2026-01-01T00:00:00Z');
      const directory = await openDirectory(domain(), { clock: () => now });
      const publicKey = newKey();
      const first = await directory.registerKey(upn, publicKey);
      const values = await ldbValues(domain(), distinguishedName, attribute);
      now = new Date('2027-01-01T00:00:00Z');
      expect(await directory.registerKey(upn.toUpperCase(), publicKey)).toEqual(first);
      expect(await ldbValues(domain(), distinguishedName, attribute)).toEqual(values);
    });

    test('works for whose distinguished name is full of characters with a meaning', async () => {
      const commonName = `a:b, "${newName()}" + c;d \\ é #`;
      const { upn } = await domain().addUser({ name: newName(), commonName });
      const directory = await openDirectory(domain());
      const publicKey = newKey();
      const registered = await directory.registerKey(upn, publicKey);
      expect((await directory.findByUpn(upn))?.keyCredentials).toEqual([registered]);
      expect(await directory.removeKey(upn, keyIdOf(publicKey))).toBe(true);
      expect((await directory.findByUpn(upn))?.keyCredentials).toEqual([]);
    });

    test('is refused for nobody, and for what is no sound key', async () => {
      const { upn, distinguishedName } = await domain().addUser({ name: newName() });
      const directory = await openDirectory(domain());
      await refusal(directory.registerKey('nobody@contoso.test', newKey()), 'USER_NOT_FOUND');
      const offCurve = newKey();
      offCurve.set([(offCurve.at(-1) ?? 0) ^ 1], offCurve.length - 1);
      await refusal(directory.registerKey(upn, offCurve), 'KEY_POINT_INVALID');
      expect(await ldbValues(domain(), distinguishedName, attribute)).toEqual([]);
    });
  });

  describe('removing a key', () => {
    test('takes that one, and tells whether it was there', async () => {
      const { upn } = await domain().addUser({ name: newName() });
      const directory = await openDirectory(domain());
      const keys = [newKey(), newKey('rsa-2048'), newKey()];
      for (const key of keys) await directory.registerKey(upn, key);
      const [first, second, third] = keys.map(keyIdOf);
      expect(await directory.removeKey(upn, second ?? '')).toBe(true);
      expect(await directory.removeKey(upn, second ?? '')).toBe(false);
      const left = (await directory.findByUpn(upn))?.keyCredentials.map(({ keyId }) => keyId);
      expect(new Set(left)).toEqual(new Set([first, third]));
      await refusal(directory.removeKey('nobody@contoso.test', first ?? ''), 'USER_NOT_FOUND');
    });

    test('and registering one leave all other values as they are, also those that nobody understands', async () => {
      const { upn, distinguishedName } = await domain().addUser({ name: newName() });
      const others = [
        senselessValue(distinguishedName),
        otherUsageValue(distinguishedName),
        helloKeyValue(distinguishedName, newKey('rsa-2048')),
      ].sort();
      await ldbAddValues(domain(), distinguishedName, attribute, others);
      const directory = await openDirectory(domain());
      const { keyId } = await directory.registerKey(upn, newKey());
      const all = await ldbValues(domain(), distinguishedName, attribute);
      expect(all).toHaveLength(4);
      expect(all).toEqual(expect.arrayContaining(others));
      expect(await directory.removeKey(upn, keyId)).toBe(true);
      expect(await ldbValues(domain(), distinguishedName, attribute)).toEqual(others);
    });
  });

  describe('many at once', () => {
    test('register and remove different keys of one user, and no change is lost', async () => {
      const { upn } = await domain().addUser({ name: newName() });
      const directories = await Promise.all([1, 2, 3].map(async () => openDirectory(domain())));
      const old = Array.from({ length: 6 }, () => newKey());
      for (const key of old) await directories[0]?.registerKey(upn, key);
      const young = Array.from({ length: 6 }, () => newKey());
      await Promise.all(
        directories.flatMap((directory, index) => [
          ...young.filter((_, at) => at % 3 === index).map(async (key) => directory.registerKey(upn, key)),
          ...old
            .filter((_, at) => at % 3 === index)
            .map(async (key) => directory.removeKey(upn, keyIdOf(key))),
        ]),
      );
      const left = (await directories[0]?.findByUpn(upn))?.keyCredentials.map(({ keyId }) => keyId);
      expect(new Set(left)).toEqual(new Set(young.map(keyIdOf)));
    });

    test('register one key of one user: all succeed, and one value is left', async () => {
      const { upn, distinguishedName } = await domain().addUser({ name: newName() });
      let milliseconds = Date.UTC(2026, 0, 1);
      const clock = (): Date => {
        milliseconds += 1;
        return new Date(milliseconds);
      };
      const directories = await Promise.all([1, 2, 3, 4].map(async () => openDirectory(domain(), { clock })));
      const publicKey = newKey();
      const results = await Promise.all(directories.map(async (each) => each.registerKey(upn, publicKey)));
      for (const { keyId } of results) expect(keyId).toBe(keyIdOf(publicKey));
      expect(await ldbValues(domain(), distinguishedName, attribute)).toHaveLength(1);
    });
  });
}
