import { AndFilter, EqualityFilter, PresenceFilter } from 'ldapts';
import { malformedReply } from './connection/directory-errors.ts';
import type { LdapConnection } from './connection/ldap-connection.ts';
import { search } from './connection/ldap-operations.ts';
import { EntryAttributes } from './entry-attributes.ts';

/** The domain whose users the directory server has. */
export interface Domain {
  /** Distinguished name under which all its users are. */
  readonly namingContext: string;
  /** What stands before the backslash of an account. */
  readonly netbiosName: string;
}

/**
 * Reads which domain the server has (MS-ADTS 3.1.1.3.2, 6.1.1.2.1.1).
 * @throws CountersignError `DIRECTORY_REPLY_MALFORMED` if it is no domain controller, and what `search` throws
 */
export async function readDomain(connection: LdapConnection): Promise<Domain> {
  const [root] = await search(
    connection,
    {
      base: '',
      scope: 'base',
      filter: new PresenceFilter({ attribute: 'objectClass' }),
      attributes: ['defaultNamingContext', 'configurationNamingContext'],
    },
    1,
  );
  const namingContext = textIn(root && new EntryAttributes(root), 'defaultNamingContext');
  const configuration = textIn(root && new EntryAttributes(root), 'configurationNamingContext');
  if (namingContext === undefined || configuration === undefined) {
    throw malformedReply(connection.url, 'the root DSE does not name a domain and a configuration');
  }
  const partitions = await search(
    connection,
    {
      base: `CN=Partitions,${configuration}`,
      scope: 'one',
      filter: new AndFilter({
        filters: [
          new EqualityFilter({ attribute: 'objectClass', value: 'crossRef' }),
          new EqualityFilter({ attribute: 'nCName', value: namingContext }),
        ],
      }),
      attributes: ['nETBIOSName'],
    },
    2,
  );
  const [partition] = partitions;
  const netbiosName = textIn(partition && new EntryAttributes(partition), 'nETBIOSName');
  if (netbiosName === undefined || partitions.length > 1) {
    throw malformedReply(
      connection.url,
      `${partitions.length} partitions are ${namingContext}; expected one, with a NetBIOS name`,
    );
  }
  return { namingContext, netbiosName };
}

function textIn(entry: EntryAttributes | undefined, name: string): string | undefined {
  return entry?.one(name) === undefined ? undefined : entry.requiredText(name);
}
