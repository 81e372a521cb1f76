import { describe, expect, test } from 'vitest';
import { refusal } from '../../refusal.ts';
import { ldbAddValues, ldbValues, type SambaDomain } from '@countersign/hello/trial-domain';
import { helloKeyValue, keyIdOf, newKey, otherUsageValue, senselessValue } from './key-values.ts';
import { newName, openDirectory } from './open-directory.ts';

const attribute = 'msDS-KeyCredentialLink';

export function readingKeys(domain: () => SambaDomain): void {
  describe('key credentials in the directory', () => {
    test.each(['rsa-2048', 'p-256', 'p-384', 'ed25519'] as const)('of %s are read', async (kind) => {
      const { upn, distinguishedName } = await domain().addUser({ name: newName() });
      const publicKey = newKey(kind);
      const registeredAt = new Date('2026-02-03T04:05:06.789Z');
      const value = helloKeyValue(distinguishedName, publicKey, registeredAt);
      await ldbAddValues(domain(), distinguishedName, attribute, [value]);
      const user = await (await openDirectory(domain())).findByUpn(upn);
      expect(user?.keyCredentials).toEqual([{ keyId: keyIdOf(publicKey), publicKey, registeredAt }]);
      expect(user?.unusableKeyCredentials).toEqual([]);
    });

    test('that Windows wrote are read', async () => {
      const { upn, distinguishedName } = await domain().addUser({ name: newName() });
      await ldbAddValues(domain(), distinguishedName, attribute, [
        `B:828:${windowsKey}:${distinguishedName}`,
      ]);
      const user = await (await openDirectory(domain())).findByUpn(upn);
      expect(user?.keyCredentials.map(({ registeredAt }) => registeredAt)).toEqual([
        new Date('2018-06-13T22:32:38.168Z'),
      ]);
    });

    test('that are no Windows Hello keys are reported, and the others read', async () => {
      const { upn, distinguishedName } = await domain().addUser({ name: newName() });
      const publicKey = newKey();
      const values = [
        senselessValue(distinguishedName),
        senselessValue(distinguishedName, new Uint8Array()),
        otherUsageValue(distinguishedName),
        helloKeyValue(distinguishedName, publicKey),
      ];
      await ldbAddValues(domain(), distinguishedName, attribute, values);
      const user = await (await openDirectory(domain())).findByUpn(upn);
      expect(user?.keyCredentials.map((credential) => credential.publicKey)).toEqual([publicKey]);
      const reported = user?.unusableKeyCredentials.map(({ value, reason }) => [value, reason.code] as const);
      expect(new Map(reported)).toEqual(
        new Map([
          [values[0], 'KEY_CREDENTIAL_MALFORMED'],
          [values[1], 'KEY_CREDENTIAL_MALFORMED'],
          [values[2], 'KEY_NOT_ACCEPTABLE'],
        ]),
      );
    });

    test('that stand there twice for one key are one, the one registered first', async () => {
      const { upn, distinguishedName } = await domain().addUser({ name: newName() });
      const publicKey = newKey();
      const times = [new Date('2026-03-03T00:00:00Z'), new Date('2026-03-01T00:00:00Z')];
      const values = times.map((time) => helloKeyValue(distinguishedName, publicKey, time));
      await ldbAddValues(domain(), distinguishedName, attribute, values);
      const directory = await openDirectory(domain());
      const user = await directory.findByUpn(upn);
      expect(user?.keyCredentials).toEqual([
        { keyId: keyIdOf(publicKey), publicKey, registeredAt: times[1] },
      ]);
      expect(await directory.removeKey(upn, keyIdOf(publicKey))).toBe(true);
      expect(await ldbValues(domain(), distinguishedName, attribute)).toEqual([]);
    });
  });

  describe('the holders of a key', () => {
    test('are found, on whichever page they are', async () => {
      const publicKey = newKey();
      const holders: string[] = [];
      for (let index = 0; index < 7; index += 1) {
        const { distinguishedName, sid } = await domain().addUser({ name: newName() });
        const key = index % 3 === 0 ? publicKey : newKey();
        await ldbAddValues(domain(), distinguishedName, attribute, [helloKeyValue(distinguishedName, key)]);
        if (key === publicKey) holders.push(sid);
      }
      for (const pageSize of [1, 2, 1000]) {
        const directory = await openDirectory(domain(), { pageSize });
        const found = await directory.findKeyHolders(keyIdOf(publicKey));
        expect(found.map(({ sid }) => sid).sort()).toEqual(holders.sort());
        expect(await directory.findKeyHolders(keyIdOf(newKey()))).toEqual([]);
      }
    });

    test('are named when another user registers the key', async () => {
      const publicKey = newKey();
      const alice = await domain().addUser({ name: newName() });
      const bob = await domain().addUser({ name: newName() });
      const directory = await openDirectory(domain());
      await directory.registerKey(alice.upn, publicKey);
      const error = await refusal(directory.registerKey(bob.upn, publicKey), 'KEY_REGISTERED_TO_ANOTHER');
      expect(error.message).toContain(alice.distinguishedName);
      expect(await ldbValues(domain(), bob.distinguishedName, attribute)).toEqual([]);
    });
  });
}

/** KeyCredential_Parse_UserKey1 of DSInternals: RSA-2048, of a device, registered in 2018. */
const windowsKey =
  '0002000020000120717AE052FCCF546AAD0D51E878AAD69CE04FDC39F5A8D8E3CEBA6BCB4DA0E720000214B7474E' +
  '61C1001D3E546CFED8E387CFC1AC86A2CA7B3CDCF1267614585E2A341B0103525341310008000003000000000100' +
  '000000000000000000010001C1A78914457758B0B13C70C710C7F8548F3F9ED56AD4640B6E6A112655C98ECAC1CB' +
  'D68A298F5686C08439428A97FE6FDF58D78EA481905182BAD684C2D9C5CDE1CDE34AA19742E8BBF58B953EAC4C56' +
  '2FCF598CC176B02DBE9FFFEF5937A65815C236F92892F7E511A1FEDD5483CB33F1EA715D68106180DED2432A2933' +
  '67114A6E325E62F93F73D7ECE4B6A2BCDB829D95C8645C3073B94BA7CB7515CD29042F0967201C6E24A77821E92A' +
  '6C756DF79841ACBAAE11D90CA03B9FCD24EF9E304B5D35248A7BD70557399960277058AE3E99C7C7E2284858B7BF' +
  '8B08CDD286964186A50A7FCBCC6A24F00FEE5B9698BBD3B1AEAD0CE81FEA461C0ABD716843A50100040101000500' +
  '100006E377F547D0D20A4A8ACAE0501098BDE40200070100080008417BD66E6603D401080009417BD66E6603D401';
