import type { DirectoryUser } from '../../directory/directory.ts';

/**
 * What makes an account one that nobody may enroll on behalf of: whoever holds such a certificate holds the domain. The
 * groups are those that Active Directory itself protects (AdminSDHolder), and Protected Users.
 * @returns the name of the account or group, or undefined for an ordinary user
 */
export function protectedBy(user: DirectoryUser): string | undefined {
  const own = protectedAccounts.get(relativeId(user.sid) ?? '');
  if (own !== undefined) return own;
  return user.groups.map(protectedGroup).find((name) => name !== undefined);
}

function protectedGroup(sid: string): string | undefined {
  return builtinGroups.get(sid) ?? protectedDomainGroups.get(relativeId(sid) ?? '');
}

/** The last number of a SID that a domain issued (MS-DTYP 2.4.2.4: S-1-5-21-…). */
function relativeId(sid: string): string | undefined {
  return /^S-1-5-21-\d+-\d+-\d+-(?<rid>\d+)$/u.exec(sid)?.groups?.['rid'];
}

const protectedAccounts: ReadonlyMap<string, string> = new Map([
  ['500', 'Administrator'],
  ['502', 'krbtgt'],
]);

const protectedDomainGroups: ReadonlyMap<string, string> = new Map([
  ['512', 'Domain Admins'],
  ['516', 'Domain Controllers'],
  ['518', 'Schema Admins'],
  ['519', 'Enterprise Admins'],
  ['521', 'Read-only Domain Controllers'],
  ['525', 'Protected Users'],
  ['526', 'Key Admins'],
  ['527', 'Enterprise Key Admins'],
]);

const builtinGroups: ReadonlyMap<string, string> = new Map([
  ['S-1-5-32-544', 'Administrators'],
  ['S-1-5-32-548', 'Account Operators'],
  ['S-1-5-32-549', 'Server Operators'],
  ['S-1-5-32-550', 'Print Operators'],
  ['S-1-5-32-551', 'Backup Operators'],
  ['S-1-5-32-552', 'Replicator'],
]);
