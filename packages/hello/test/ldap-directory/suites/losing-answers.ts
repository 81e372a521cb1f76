import { CountersignError } from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { ldbValues, type SambaDomain } from '@countersign/hello/trial-domain';
import { startCuttingProxy } from '../cutting-proxy.ts';
import { keyIdOf, newKey } from './key-values.ts';
import { newName, openDirectory } from './open-directory.ts';

const attribute = 'msDS-KeyCredentialLink';

export function losingAnswers(domain: () => SambaDomain): void {
  describe('a connection that is lost', () => {
    test('between two look-ups is opened again, and bound', async () => {
      const { upn } = await domain().addUser({ name: newName() });
      const proxy = await startCuttingProxy(636);
      const directory = await openDirectory(domain(), { url: `ldaps://127.0.0.1:${proxy.port}` });
      const found = await directory.findByUpn(upn);
      for (let loss = 1; loss <= 3; loss += 1) {
        proxy.cutNow();
        expect(await directory.findByUpn(upn)).toEqual(found);
        expect(proxy.connections()).toBe(1 + loss);
      }
    });

    test('with the server is opened again when the server is back', async () => {
      const { upn } = await domain().addUser({ name: newName() });
      const directory = await openDirectory(domain());
      const found = await directory.findByUpn(upn);
      await domain().restart();
      expect(await directory.findByUpn(upn)).toEqual(found);
    });

    // Piece by piece: TLS handshake, bind, both searches, change, and what follows it. Each is lost once.
    test('with any of the answers leaves no second value of the key when it is registered again', async () => {
      const { upn, distinguishedName } = await domain().addUser({ name: newName() });
      const proxy = await startCuttingProxy(636);
      const directory = await openDirectory(domain(), { url: `ldaps://127.0.0.1:${proxy.port}` });
      const publicKey = newKey();
      let piece = 0;
      let unreachable = 0;
      do {
        piece += 1;
        const isBefore = piece % 2 === 0; // every other time the connection has to be opened, too
        if (isBefore) proxy.cutNow();
        proxy.cutInsteadOfPiece(Math.ceil(piece / 2));
        const outcome = await directory.registerKey(upn, publicKey).catch((error: unknown) => error);
        if (outcome instanceof CountersignError) {
          expect(outcome.code).toBe('DIRECTORY_UNREACHABLE');
          unreachable += 1;
        } else expect(outcome).toMatchObject({ keyId: keyIdOf(publicKey), publicKey });
        const hadCut = proxy.hasCut();
        proxy.cutInsteadOfPiece(Infinity);
        await directory.registerKey(upn, publicKey);
        expect(await ldbValues(domain(), distinguishedName, attribute)).toHaveLength(1);
        expect(await directory.removeKey(upn, keyIdOf(publicKey))).toBe(true);
        if (!hadCut && isBefore) break;
      } while (piece < 100);
      expect(piece).toBeGreaterThan(10);
      expect(piece).toBeLessThan(100);
      expect(unreachable).toBeGreaterThan(0);
    });
  });
}
