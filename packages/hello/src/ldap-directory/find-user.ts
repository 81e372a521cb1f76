import { CountersignError } from '@countersign/core';
import { AndFilter, EqualityFilter, type Filter } from 'ldapts';
import type { LdapConnection } from './connection/ldap-connection.ts';
import { search } from './connection/ldap-operations.ts';
import type { Domain } from './domain.ts';
import { parseSid } from './sid.ts';
import { readUserEntry, type UserEntry } from './user-entry.ts';

/** What a user is looked for by. */
export type UserName =
  | { readonly by: 'upn'; readonly text: string }
  | { readonly by: 'sid'; readonly text: string }
  | { readonly by: 'account'; readonly text: string };

/**
 * @returns the one user of this name, or undefined
 * @throws CountersignError `USER_AMBIGUOUS` if several have it, and what `readUserEntry` throws
 */
export async function findUser(
  connection: LdapConnection,
  domain: Domain,
  name: UserName,
): Promise<UserEntry | undefined> {
  const filter = filterFor(domain, name);
  if (filter === undefined) return undefined;
  const found = await search(
    connection,
    { base: domain.namingContext, scope: 'sub', filter: onlyUsers(filter), attributes: ['objectSid'] },
    10,
  );
  const [entry, ...others] = found;
  if (entry === undefined) return undefined;
  if (others.length > 0)
    throw ambiguous(
      name,
      found.map((each) => each.name),
    );
  const read = await readUserEntry(connection, domain, entry.name);
  return read && isNamed(read, name) ? read : undefined;
}

function filterFor({ netbiosName }: Domain, { by, text }: UserName): Filter | undefined {
  switch (by) {
    case 'upn':
      return text === '' ? undefined : new EqualityFilter({ attribute: 'userPrincipalName', value: text });
    case 'sid': {
      const sid = parseSid(text);
      return sid && new EqualityFilter({ attribute: 'objectSid', value: Buffer.from(sid) });
    }
    case 'account': {
      const backslash = text.indexOf('\\');
      const isOfDomain = comparable(text.slice(0, Math.max(backslash, 0))) === comparable(netbiosName);
      const value = text.slice(backslash + 1);
      return isOfDomain && value !== ''
        ? new EqualityFilter({ attribute: 'sAMAccountName', value })
        : undefined;
    }
  }
}

/** People, and neither computers nor contacts (MS-ADTS 3.1.1.2.4.8). */
export function onlyUsers(filter: Filter): Filter {
  return new AndFilter({
    filters: [
      new EqualityFilter({ attribute: 'objectCategory', value: 'person' }),
      new EqualityFilter({ attribute: 'objectClass', value: 'user' }),
      filter,
    ],
  });
}

/**
 * Directories match more loosely than without regard to case: Active Directory takes "é" for "e", others take many spaces
 * for one. Such a one is somebody else.
 */
function isNamed({ user }: UserEntry, { by, text }: UserName): boolean {
  return comparable(user[by]) === comparable(text);
}

function comparable(text: string): string {
  return text.toLowerCase();
}

function ambiguous({ by, text }: UserName, distinguishedNames: readonly string[]): CountersignError {
  return new CountersignError(
    'USER_AMBIGUOUS',
    `${distinguishedNames.length} users have the ${by} ${JSON.stringify(text)}: ${distinguishedNames.join('; ')}`,
    'Give all but one of them another name: it must be certain who signs in with it.',
  );
}
