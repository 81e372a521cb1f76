import { PresenceFilter } from 'ldapts';
import type { LdapConnection } from './connection/ldap-connection.ts';
import { malformedReply } from './connection/directory-errors.ts';
import { search } from './connection/ldap-operations.ts';
import { EntryAttributes } from './entry-attributes.ts';

/**
 * All values of an attribute. Active Directory hands out at most some 1500 at a time, under a name that says which
 * (MS-ADTS 3.1.1.3.1.3.3), and the rest must be asked for.
 * @param entry the entry as it came, of a search that asked for the attribute
 * @throws CountersignError `DIRECTORY_REPLY_MALFORMED`, `DIRECTORY_REFUSED`, `DIRECTORY_UNREACHABLE`
 */
export async function allValues(
  connection: LdapConnection,
  entry: EntryAttributes,
  attribute: string,
): Promise<readonly Uint8Array[]> {
  const values = [...entry.all(attribute)];
  for (let range = rangeIn(entry, attribute); range !== undefined;) {
    values.push(...range.values);
    if (range.end === undefined) break;
    const option = `${attribute};range=${range.end + 1}-*`;
    const [next] = await search(
      connection,
      {
        base: entry.distinguishedName,
        scope: 'base',
        filter: new PresenceFilter({ attribute: 'objectClass' }),
        attributes: [option],
      },
      1,
    );
    const following = next && rangeIn(new EntryAttributes(next), attribute);
    if (following?.start !== range.end + 1 || (following.end ?? Infinity) < following.start) {
      throw malformedReply(connection.url, `${option} of ${entry.distinguishedName} was not handed out`);
    }
    range = following;
  }
  return values;
}

interface ValueRange {
  readonly start: number;
  /** Absent in the last. */
  readonly end: number | undefined;
  readonly values: readonly Uint8Array[];
}

function rangeIn(entry: EntryAttributes, attribute: string): ValueRange | undefined {
  const prefix = `${attribute.toLowerCase()};range=`;
  for (const name of entry.names.filter((each) => each.startsWith(prefix))) {
    const match = /^(?<start>\d{1,9})-(?<end>\*|\d{1,9})$/u.exec(name.slice(prefix.length));
    if (match?.groups === undefined) continue;
    const { start, end } = match.groups;
    const values = entry.all(name);
    return { start: Number(start), end: end === '*' ? undefined : Number(end), values };
  }
  return undefined;
}
