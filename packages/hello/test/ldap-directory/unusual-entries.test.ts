import { describe, expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { aliceDn, aliceUpn, aliceValues, answerOfDomain, baseDn, endOfSearch, sid } from './fake-domain.ts';
import { startFakeLdapServer } from './fake-ldap-server.ts';
import { done, entry } from './ldap-messages.ts';
import { helloKeyValue, keyIdOf, newKey } from './suites/key-values.ts';

describe('an entry', () => {
  test.each([
    ['without a SID', { objectSid: [] }, 'objectSid'],
    ['with a SID that is none', { objectSid: [sid.subarray(1)] }, 'objectSid'],
    ['without a UPN', { userPrincipalName: [] }, 'userPrincipalName'],
    ['with two UPNs', { userPrincipalName: [aliceUpn, 'bob@contoso.test'] }, 'userPrincipalName'],
    ['with a UPN that is no UTF-8', { userPrincipalName: [Uint8Array.of(0xff)] }, 'userPrincipalName'],
    ['without an account', { sAMAccountName: [] }, 'sAMAccountName'],
    ['without flags', { userAccountControl: [] }, 'userAccountControl'],
    ['with flags that are none', { userAccountControl: ['0x200'] }, 'userAccountControl'],
    ['that does not tell its groups', { tokenGroups: [] }, 'tokenGroups'],
    ['in a group that has no SID', { tokenGroups: [sid, new Uint8Array(8)] }, 'tokenGroups'],
  ])('%s is refused', async (_, changes, attribute) => {
    const values = { ...aliceValues, ...changes };
    const server = await startFakeLdapServer((request) => answerOfDomain(request, values));
    const error = await refusal((await server.open()).findByUpn(aliceUpn), 'USER_MALFORMED');
    expect(error.message).toContain(aliceDn);
    expect(error.message).toContain(attribute);
  });

  test('whose attributes are named in another case is read', async () => {
    const values = Object.fromEntries(
      Object.entries(aliceValues).map(([name, value]) => [name.toUpperCase(), value]),
    );
    const server = await startFakeLdapServer((request) => answerOfDomain(request, values));
    expect(await (await server.open()).findByUpn(aliceUpn)).toMatchObject({ upn: aliceUpn, enabled: true });
  });

  test('that is found but has another name is somebody else: a directory may take "é" for "e"', async () => {
    const server = await startFakeLdapServer(answerOfDomain);
    const directory = await server.open();
    expect(await directory.findByUpn('alicé@contoso.test')).toBeUndefined();
    expect(await directory.findByAccount('CONTOSO\\alicé')).toBeUndefined();
    expect(await directory.findBySid('S-1-5-32-545')).toBeUndefined();
    expect(await directory.findByAccount('CONTOSO\\ALICE')).toMatchObject({ upn: aliceUpn });
  });

  test('that is gone when it is read is undefined', async () => {
    const server = await startFakeLdapServer((request) =>
      request.name === aliceDn ? [done(request.id, 'search', 32)] : answerOfDomain(request),
    );
    expect(await (await server.open()).findByUpn(aliceUpn)).toBeUndefined();
  });

  test('that is one of several with that name is refused, with all of them', async () => {
    const names = [aliceDn, `CN=Other,${baseDn}`];
    const server = await startFakeLdapServer((request) => answerOfDomain(request, aliceValues, names));
    const directory = await server.open();
    const error = await refusal(directory.findByUpn(aliceUpn), 'USER_AMBIGUOUS');
    for (const name of names) expect(error.message).toContain(name);
    await refusal(directory.registerKey(aliceUpn, newKey()), 'USER_AMBIGUOUS');
    expect(server.requests.some(({ operation }) => operation === 'modify')).toBe(false);
  });
});

describe('more values than a directory hands out at a time', () => {
  const keys = Array.from({ length: 5 }, () => newKey());
  const values = keys.map((key) => helloKeyValue(aliceDn, key));

  /** Two at a time, as MS-ADTS 3.1.1.3.1.3.3 has it. */
  function ranged(start: number): Record<string, readonly string[]> {
    const end = start + 2 >= values.length ? '*' : String(start + 1);
    return { [`msDS-KeyCredentialLink;range=${start}-${end}`]: values.slice(start, start + 2) };
  }

  test('are asked for until all are there', async () => {
    const server = await startFakeLdapServer((request) => {
      const asked = /;range=(?<start>\d+)-\*/u.exec(request.octets.toString('latin1'))?.groups?.['start'];
      if (asked !== undefined)
        return [entry(request.id, aliceDn, ranged(Number(asked))), done(request.id, 'search')];
      return answerOfDomain(request, { ...aliceValues, 'msDS-KeyCredentialLink': [], ...ranged(0) });
    });
    const user = await (await server.open()).findByUpn(aliceUpn);
    expect(new Set(user?.keyCredentials.map(({ keyId }) => keyId))).toEqual(new Set(keys.map(keyIdOf)));
  });

  test.each([
    ['nothing', {}],
    ['the same again', ranged(0)],
    ['a later part', ranged(4)],
    ['a part that ends before it starts', { 'msDS-KeyCredentialLink;range=2-1': [] }],
  ])('are refused if the server goes on with %s', async (_, next) => {
    const server = await startFakeLdapServer((request) =>
      request.octets.includes(';range=')
        ? [entry(request.id, aliceDn, next), done(request.id, 'search')]
        : answerOfDomain(request, { ...aliceValues, ...ranged(0) }),
    );
    await refusal((await server.open()).findByUpn(aliceUpn), 'DIRECTORY_REPLY_MALFORMED');
  });
});

describe('pages', () => {
  test('may be empty in the midst', async () => {
    const key = newKey();
    const found = { objectSid: [sid], 'msDS-KeyCredentialLink': [helloKeyValue(aliceDn, key)] };
    const server = await startFakeLdapServer((request) => {
      if (request.name !== baseDn) return answerOfDomain(request);
      const { id, octets } = request;
      if (octets.includes('third')) return [entry(id, aliceDn, found), endOfSearch(request)];
      return [endOfSearch(request, octets.includes('second') ? 'third' : 'second')];
    });
    const holders = await (await server.open()).findKeyHolders(keyIdOf(key));
    expect(holders).toEqual([{ distinguishedName: aliceDn, sid: 'S-1-5-32-544' }]);
  });

  test('of which the server does not tell whether there are more are refused', async () => {
    const server = await startFakeLdapServer((request) =>
      request.name === baseDn ? [done(request.id, 'search')] : answerOfDomain(request),
    );
    await refusal((await server.open()).findKeyHolders('00'), 'DIRECTORY_REPLY_MALFORMED');
  });
});
