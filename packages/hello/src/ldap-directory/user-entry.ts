import type { DirectoryUser } from '@countersign/core';
import { PresenceFilter } from 'ldapts';
import type { LdapConnection } from './connection/ldap-connection.ts';
import { search } from './connection/ldap-operations.ts';
import type { Domain } from './domain.ts';
import { EntryAttributes, entryMalformed } from './entry-attributes.ts';
import {
  firstOfEachKey,
  keyCredentialLink,
  readKeyCredentialValues,
  type KeyCredentialValues,
  type UnusableKeyCredential,
} from './key-credential-values.ts';
import { allValues } from './range-retrieval.ts';
import { formatSid } from './sid.ts';

/** A user as the on-premises directory has them. */
export interface LdapDirectoryUser extends DirectoryUser {
  /** False if the account is disabled (ADS_UF_ACCOUNT_DISABLE, MS-ADTS 2.2.16): the KDC will not sign this user in. */
  readonly enabled: boolean;
  /** Values of msDS-KeyCredentialLink that were left out of `keyCredentials`, and why. */
  readonly unusableKeyCredentials: readonly UnusableKeyCredential[];
}

export interface UserEntry {
  readonly user: LdapDirectoryUser;
  readonly keyCredentialValues: KeyCredentialValues;
}

/**
 * Reads the user whose entry has this name.
 * @returns undefined if there is no such entry (any more)
 * @throws CountersignError `USER_MALFORMED` if something is missing that every user needs, and what `search` throws
 */
export async function readUserEntry(
  connection: LdapConnection,
  { netbiosName }: Domain,
  distinguishedName: string,
): Promise<UserEntry | undefined> {
  const [found] = await search(
    connection,
    {
      base: distinguishedName,
      scope: 'base', // tokenGroups is computed for such searches alone (MS-ADTS 3.1.1.4.5.19)
      filter: new PresenceFilter({ attribute: 'objectClass' }),
      attributes: [
        'objectSid',
        'userPrincipalName',
        'sAMAccountName',
        'userAccountControl',
        'tokenGroups',
        keyCredentialLink,
      ],
    },
    1,
  );
  if (found === undefined) return undefined;
  const entry = new EntryAttributes(found);
  const keyCredentialValues = readKeyCredentialValues(await allValues(connection, entry, keyCredentialLink));
  return {
    user: {
      upn: entry.requiredText('userPrincipalName'),
      sid: sidOf(entry, 'objectSid', entry.required('objectSid')),
      distinguishedName: entry.distinguishedName,
      account: `${netbiosName}\\${entry.requiredText('sAMAccountName')}`,
      groups: groupsOf(entry),
      keyCredentials: firstOfEachKey(keyCredentialValues.usable),
      enabled: isEnabled(entry),
      unusableKeyCredentials: keyCredentialValues.unusable,
    },
    keyCredentialValues,
  };
}

/** Everybody is in a primary group: an empty answer is one that was withheld, and must not pass for "in no group". */
function groupsOf(entry: EntryAttributes): readonly string[] {
  const groups = entry.all('tokenGroups').map((octets) => sidOf(entry, 'tokenGroups', octets));
  if (groups.length === 0) throw entryMalformed(entry.distinguishedName, 'tokenGroups is missing');
  return groups;
}

function sidOf(entry: EntryAttributes, attribute: string, octets: Uint8Array): string {
  const sid = formatSid(octets);
  if (sid === undefined) throw entryMalformed(entry.distinguishedName, `${attribute} is no SID`);
  return sid;
}

function isEnabled(entry: EntryAttributes): boolean {
  const flags = entry.requiredText('userAccountControl');
  if (!/^-?\d{1,10}$/u.test(flags)) {
    throw entryMalformed(entry.distinguishedName, 'userAccountControl is no number');
  }
  return (BigInt(flags) & accountDisabled) === 0n;
}

const accountDisabled = 0x2n;
