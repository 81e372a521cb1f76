import { describe, expect, test } from 'vitest';
import { refusal } from '../../refusal.ts';
import type { SambaDomain } from '@countersign/hello/trial-domain';
import { newName, openDirectory } from './open-directory.ts';

export function findingUsers(domain: () => SambaDomain): void {
  describe('a user', () => {
    test('is found by UPN, SID and account, whatever the case', async () => {
      const name = newName();
      const added = await domain().addUser({ name });
      const directory = await openDirectory(domain());
      const found = await directory.findByUpn(added.upn);
      expect(found).toMatchObject({
        ...added,
        enabled: true,
        keyCredentials: [],
        unusableKeyCredentials: [],
      });
      expect(await directory.findByUpn(added.upn.toUpperCase())).toEqual(found);
      expect(await directory.findBySid(added.sid)).toEqual(found);
      expect(await directory.findByAccount(added.account)).toEqual(found);
      expect(await directory.findByAccount(`contoso\\${name.toUpperCase()}`)).toEqual(found);
    });

    test('that does not exist is undefined', async () => {
      const { sid } = await domain().addUser({ name: newName() });
      const directory = await openDirectory(domain());
      for (const upn of ['nobody@contoso.test', 'nobody', '@', '']) {
        expect(await directory.findByUpn(upn)).toBeUndefined();
      }
      for (const account of [
        'CONTOSO\\nobody',
        'nobody',
        'CONTOSO\\',
        '\\Administrator',
        'Administrator',
        '',
      ]) {
        expect(await directory.findByAccount(account)).toBeUndefined();
      }
      for (const other of [
        `${sid}1`,
        `${sid}-1`,
        'S-1-5',
        '',
        `${sid} `,
        sid.toLowerCase(),
        'S-1-5-21-4294967296',
      ]) {
        expect(await directory.findBySid(other)).toBeUndefined();
      }
    });

    test('of another domain is undefined, even with the name of one of this', async () => {
      const name = newName();
      await domain().addUser({ name });
      const directory = await openDirectory(domain());
      expect(await directory.findByAccount(`FABRIKAM\\${name}`)).toBeUndefined();
    });

    test('is no computer, and no group', async () => {
      const directory = await openDirectory(domain());
      expect(await directory.findByAccount('CONTOSO\\DC$')).toBeUndefined();
      expect(await directory.findByAccount('CONTOSO\\Domain Admins')).toBeUndefined();
      expect(await directory.findBySid('S-1-5-32-544')).toBeUndefined();
    });

    test('is in the groups of its groups, and in its primary group', async () => {
      const directory = await openDirectory(domain());
      const plain = await domain().addUser({ name: newName() });
      const admin = await domain().addUser({ name: newName(), groups: ['Domain Admins', 'Staff'] });
      const domainSid = admin.sid.slice(0, admin.sid.lastIndexOf('-'));
      expect(new Set((await directory.findByUpn(plain.upn))?.groups)).toEqual(
        new Set([`${domainSid}-513`, 'S-1-5-32-545']),
      );
      const { groups = [] } = (await directory.findByUpn(admin.upn)) ?? {};
      // Administrators, by way of Domain Admins.
      for (const sid of [`${domainSid}-512`, `${domainSid}-513`, 'S-1-5-32-544'])
        expect(groups).toContain(sid);
      expect(groups.length).toBeGreaterThan(4);
    });

    test('that is disabled is told to be', async () => {
      const { upn } = await domain().addUser({ name: newName(), disabled: true });
      const directory = await openDirectory(domain());
      expect(await directory.findByUpn(upn)).toMatchObject({ enabled: false });
    });

    test('without a UPN is refused, for nobody could tell by which name it signs in', async () => {
      const { account } = await domain().addUser({ name: newName(), upn: null });
      const directory = await openDirectory(domain());
      const error = await refusal(directory.findByAccount(account), 'USER_MALFORMED');
      expect(error.message).toContain('userPrincipalName');
    });

    test('whose names have every character with a meaning is found, and no other', async () => {
      const upn = `a(b)c*&|!=\\~<>'"${newName()}@contoso.test`;
      const added = await domain().addUser({
        name: 'o(b)&c!#1',
        commonName: '#Müller, "Jo" + <x>;=\\ ',
        upn,
      });
      const directory = await openDirectory(domain());
      const found = await directory.findByUpn(upn);
      expect(found).toMatchObject({ upn, sid: added.sid, account: added.account });
      expect(await directory.findByAccount(added.account)).toEqual(found);
      expect(found?.distinguishedName).toContain('Müller');
    });

    test('whose name is only loosely the same is somebody else', async () => {
      const { upn } = await domain().addUser({ name: newName(), upn: `two words${newName()}@contoso.test` });
      const directory = await openDirectory(domain());
      expect(await directory.findByUpn(upn)).toMatchObject({ upn });
      expect(await directory.findByUpn(upn.replace(' ', '   '))).toBeUndefined();
      expect(await directory.findByUpn(`${upn} `)).toBeUndefined();
    });
  });
}
