import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { AndFilter, Attribute, Change, Client, EqualityFilter } from 'ldapts';
import { formatSid } from '../../ldap-directory/sid.ts';
import { notAvailable } from '../trial-failure.ts';

export interface NewSambaUser {
  /** sAMAccountName. */
  readonly name: string;
  /** The last part of the distinguished name; `name` by default. */
  readonly commonName?: string;
  /** `name@realm` in lower case by default; none if null. */
  readonly upn?: string | null;
  /** sAMAccountNames of groups; those that do not exist are made. */
  readonly groups?: readonly string[];
  readonly disabled?: boolean;
  /** A random one by default: without any, the KDC would ask for a new one even after PKINIT. */
  readonly password?: string;
}

export interface SambaUser {
  /** Empty if there is none. */
  readonly upn: string;
  readonly account: string;
  readonly distinguishedName: string;
  readonly sid: string;
}

/** What is needed of a domain in order to add users. */
export interface UserStore {
  readonly realm: string;
  readonly netbiosName: string;
  readonly baseDn: string;
  readonly ldapsUrl: string;
  readonly caFile: string;
  readonly admin: { readonly name: string; readonly password: string };
}

/** Adds a user over LDAPS, as the administrator. */
export async function addUser(store: UserStore, user: NewSambaUser): Promise<SambaUser> {
  const { realm, netbiosName, baseDn, admin } = store;
  const { name, commonName = name, upn = `${name}@${realm.toLowerCase()}` } = user;
  const { groups = [], disabled = false, password = `aA1-${randomUUID()}` } = user;
  const distinguishedName = `CN=${escapeRdn(commonName)},CN=Users,${baseDn}`;
  const client = new Client({
    url: store.ldapsUrl,
    tlsOptions: { ca: [await readFile(store.caFile)] },
  });
  try {
    await client.bind(admin.name, admin.password);
    await client.add(distinguishedName, [
      text('objectClass', 'user'),
      text('sAMAccountName', name),
      text('userAccountControl', disabled ? disabledAccount : normalAccount),
      ...(upn === null ? [] : [text('userPrincipalName', upn)]),
      passwordAttribute(password),
    ]);
    for (const group of groups) await addToGroup(client, baseDn, group, distinguishedName);
    const sid = await sidOf(client, distinguishedName);
    return { upn: upn ?? '', account: `${netbiosName}\\${name}`, distinguishedName, sid };
  } finally {
    await client.unbind();
  }
}

// MS-ADTS 2.2.16.
const normalAccount = String(0x200);
const disabledAccount = String(0x200 | 0x2);

function text(type: string, value: string): Attribute {
  return new Attribute({ type, values: [value] });
}

/** MS-ADTS 3.1.1.3.1.5.1: in quotes, UTF-16. */
function passwordAttribute(password: string): Attribute {
  return new Attribute({ type: 'unicodePwd', values: [Buffer.from(`"${password}"`, 'utf16le')] });
}

async function addToGroup(client: Client, baseDn: string, group: string, member: string): Promise<void> {
  const users = `CN=Users,${baseDn}`;
  const filter = new AndFilter({
    filters: [
      new EqualityFilter({ attribute: 'objectClass', value: 'group' }),
      new EqualityFilter({ attribute: 'sAMAccountName', value: group }),
    ],
  });
  const { searchEntries } = await client.search(users, { filter, attributes: ['cn'] });
  const groupDn = searchEntries[0]?.dn ?? `CN=${escapeRdn(group)},${users}`;
  if (searchEntries.length === 0) {
    await client.add(groupDn, [text('objectClass', 'group'), text('sAMAccountName', group)]);
  }
  await client.modify(groupDn, new Change({ operation: 'add', modification: text('member', member) }));
}

/** In the string form of MS-DTYP 2.4.2.1. */
async function sidOf(client: Client, distinguishedName: string): Promise<string> {
  const { searchEntries } = await client.search(distinguishedName, {
    scope: 'base',
    attributes: ['objectSid'],
    explicitBufferAttributes: ['objectSid'],
  });
  const octets = searchEntries[0]?.['objectSid'];
  const sid = Buffer.isBuffer(octets) ? formatSid(octets) : undefined;
  if (sid !== undefined) return sid;
  throw notAvailable(`${distinguishedName} has no SID`, 'Look into the log of Samba.');
}

/** RFC 4514 2.4. */
function escapeRdn(name: string): string {
  return name.replaceAll(/[,+"\\<>;=]/gu, String.raw`\$&`).replace(/^[ #]| $/gu, String.raw`\$&`);
}
