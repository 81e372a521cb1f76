import type { FakeAnswer } from './fake-ldap-server.ts';
import { done, entry, type EntryValues, type LdapRequest, pageControl } from './ldap-messages.ts';

export const baseDn = 'DC=contoso,DC=test';
export const aliceDn = `CN=Alice,CN=Users,${baseDn}`;
export const aliceUpn = 'alice@contoso.test';
/** S-1-5-32-544, which serves as the SID of anything. */
export const sid = Buffer.from('01020000000000052000000020020000', 'hex');

export const aliceValues: EntryValues = {
  objectSid: [sid],
  userPrincipalName: [aliceUpn],
  sAMAccountName: ['alice'],
  userAccountControl: ['512'],
  tokenGroups: [sid],
};

/** What a domain with one user answers: to a bind, about itself, and about Alice whoever is asked for. */
export function answerOfDomain(
  request: LdapRequest,
  values: EntryValues = aliceValues,
  names: readonly string[] = [aliceDn],
): FakeAnswer {
  const { id, operation, name } = request;
  switch (operation) {
    case 'unbind':
      return ['cut'];
    case 'bind':
    case 'modify':
      return [done(id, operation)];
    case 'search':
      return [...entriesUnder(id, name, values, names), endOfSearch(request)];
  }
}

/** With the control that ends a paged search, if it is one. */
export function endOfSearch({ id, octets }: LdapRequest, cookie = ''): Buffer {
  const isPaged = octets.includes('1.2.840.113556.1.4.319');
  return done(id, 'search', 0, { controls: isPaged ? [pageControl(cookie)] : [] });
}

function entriesUnder(id: number, base: string, values: EntryValues, names: readonly string[]): Buffer[] {
  switch (base) {
    case '':
      return [
        entry(id, '', {
          defaultNamingContext: [baseDn],
          configurationNamingContext: [`CN=Configuration,${baseDn}`],
        }),
      ];
    case `CN=Partitions,CN=Configuration,${baseDn}`:
      return [entry(id, `CN=CONTOSO,${base}`, { nETBIOSName: ['CONTOSO'] })];
    case baseDn:
      return names.map((name) => entry(id, name, { objectSid: [sid] }));
    default:
      return [entry(id, base, values)];
  }
}
