import { PresenceFilter } from 'ldapts';
import type { LdapConnection } from './connection/ldap-connection.ts';
import { searchPages } from './connection/ldap-operations.ts';
import type { Domain } from './domain.ts';
import { EntryAttributes, entryMalformed } from './entry-attributes.ts';
import { onlyUsers } from './find-user.ts';
import { keyCredentialLink, readKeyCredentialValues } from './key-credential-values.ts';
import { allValues } from './range-retrieval.ts';
import { formatSid } from './sid.ts';

/** Somebody for whom a key is registered. */
export interface KeyHolder {
  readonly distinguishedName: string;
  readonly sid: string;
}

export async function findKeyHolders(
  connection: LdapConnection,
  { namingContext }: Domain,
  keyId: string,
  pageSize: number,
): Promise<readonly KeyHolder[]> {
  const holders: KeyHolder[] = [];
  const pages = searchPages(
    connection,
    {
      base: namingContext,
      scope: 'sub',
      filter: onlyUsers(new PresenceFilter({ attribute: keyCredentialLink })),
      attributes: ['objectSid', keyCredentialLink],
    },
    pageSize,
  );
  for await (const page of pages) {
    for (const found of page) {
      const entry = new EntryAttributes(found);
      const { usable } = readKeyCredentialValues(await allValues(connection, entry, keyCredentialLink));
      if (usable.some(({ registered }) => registered.keyId === keyId)) holders.push(holderOf(entry));
    }
  }
  return holders;
}

function holderOf(entry: EntryAttributes): KeyHolder {
  const { distinguishedName } = entry;
  const sid = formatSid(entry.required('objectSid'));
  if (sid === undefined) throw entryMalformed(distinguishedName, 'objectSid is no SID');
  return { distinguishedName, sid };
}
