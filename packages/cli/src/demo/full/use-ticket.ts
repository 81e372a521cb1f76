import { CountersignError } from '@countersign/core';
import { formatSid } from '@countersign/hello/ldap-directory';
import { runKerberosProgram } from '@countersign/hello/trial-domain';
import type { DemoUser } from '../demo-user.ts';
import type { DemoRealm } from './demo-realm.ts';

/** MIT's programs read the cache, and get a ticket for a service with what is in it. */
export async function fetchServiceTicket(
  realm: DemoRealm,
  cacheFile: string,
  did: (line: string) => void,
): Promise<void> {
  const { stdout: version } = await runKerberosProgram(realm, cacheFile, 'kvno', realm.service);
  did(`kvno: ${version.trim()}`);
  const { stdout: tickets } = await runKerberosProgram(realm, cacheFile, 'klist');
  const service = `${realm.service}@${realm.realm}`;
  const expected = [`krbtgt/${realm.realm}@${realm.realm}`, service];
  const missing = expected.find((name) => !tickets.includes(` ${name}\n`));
  if (missing !== undefined) throw notTaken(`klist shows no ticket for ${missing}:\n${tickets}`);
  did(`klist: ${expected.join(', ')}`);
}

/**
 * Binds to the directory with SASL GSSAPI and asks whom it sees. Samba has no "Who am I?" operation (RFC 4532), which is
 * all that `ldapwhoami` asks; the same is in `tokenGroups` of the root (MS-ADTS 3.1.1.3.2.26), the user's SID first.
 */
export async function askWhoIsThere(
  realm: DemoRealm,
  { url, user }: { readonly url: string; readonly user: DemoUser },
  cacheFile: string,
  did: (line: string) => void,
): Promise<void> {
  const bind = ['-Y', 'GSSAPI', '-Q', '-N', '-H', url];
  const query = ['-LLL', '-s', 'base', '-b', '', 'tokenGroups'];
  const { stdout } = await runKerberosProgram(realm, cacheFile, 'ldapsearch', ...bind, ...query);
  const sids = sidsIn(stdout);
  if (!sids.includes(user.sid)) throw notTaken(`the directory sees ${sids.join(', ')}, not ${user.sid}`);
  did(`ldapsearch -Y GSSAPI: the directory sees ${user.sid}, in ${sids.length - 1} groups`);
}

/** RFC 2849: octets are in base64, after two colons; long lines go on after a space. */
function sidsIn(ldif: string): string[] {
  const values = ldif.replaceAll('\n ', '').matchAll(/^tokenGroups:: (?<base64>\S+)$/gmu);
  return Array.from(values, ({ groups }) => {
    const octets = Buffer.from(groups?.['base64'] ?? '', 'base64');
    return formatSid(octets) ?? `what is no SID: ${octets.toString('hex')}`;
  });
}

function notTaken(found: string): CountersignError {
  return new CountersignError(
    'TRIAL_DOMAIN_NOT_AVAILABLE',
    `the tickets are not what they should be: ${found}`,
    'This is a defect; please report it.',
  );
}
