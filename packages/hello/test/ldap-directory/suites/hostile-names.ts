import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SambaDomain } from '@countersign/hello/trial-domain';
import { newName, openDirectory } from './open-directory.ts';

export function hostileNames(domain: () => SambaDomain): void {
  describe('a name that is written as a filter', () => {
    test('finds nobody', async () => {
      await domain().addUser({ name: newName() });
      const directory = await openDirectory(domain());
      for (const text of [
        '*',
        'user*',
        '*@contoso.test',
        '*)(objectClass=*',
        '*)(|(objectClass=*)',
        'Administrator@contoso.test)(objectClass=*',
        'x)(|(userPrincipalName=*))(x=',
        '\\2a',
        '\\2A)(cn=\\2a',
        'user\\00',
        'user\u0000',
        '(userPrincipalName=*)',
        '&(objectClass=*)',
        '!(userPrincipalName=nobody)',
        ')',
        '(',
        '\\',
        '<SID=S-1-5-32-544>',
        '#04024869',
      ]) {
        expect(await directory.findByUpn(text), text).toBeUndefined();
        expect(await directory.findByAccount(`CONTOSO\\${text}`), text).toBeUndefined();
        expect(await directory.findByAccount(text), text).toBeUndefined();
        expect(await directory.findBySid(text), text).toBeUndefined();
      }
    });

    test('finds nobody but who is called just that', async () => {
      const { upn } = await domain().addUser({ name: newName() });
      const directory = await openDirectory(domain());
      const pieces = fc.constantFrom(
        '*',
        '(',
        ')',
        '\\',
        '\\2a',
        '|',
        '&',
        '!',
        '=',
        '~',
        '\u0000',
        upn,
        'cn',
        ' ',
      );
      await fc.assert(
        fc.asyncProperty(fc.array(pieces, { minLength: 1, maxLength: 8 }), async (parts) => {
          const text = parts.join('');
          const found = await directory.findByUpn(text);
          if (text === upn) expect(found?.upn).toBe(upn);
          else expect(found).toBeUndefined();
        }),
        { numRuns: 200 },
      );
    });
  });
}
