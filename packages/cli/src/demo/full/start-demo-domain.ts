import { CountersignError } from '@countersign/core';
import { LdapDirectory, type LdapDirectoryOptions } from '@countersign/hello/ldap-directory';
import { startSambaDomain, type SambaDomain } from '@countersign/hello/trial-domain';
import { readFileBytes } from '@countersign/state';
import { readCaCertificate } from '../../authorities/ca-state.ts';
import type { DemoUser } from '../demo-user.ts';
import { assertClientsInstalled, realmOf, type DemoRealm } from './demo-realm.ts';
import { issueKdcIdentity } from './issue-kdc-identity.ts';

export interface DemoDomain extends DemoRealm {
  readonly server: 'samba';
  /** As the directory has the user: a CA must certify this SID for the user to sign in. */
  readonly user: DemoUser;
  /** For `LdapDirectory.open`, as the domain's administrator. */
  readonly ldap: LdapDirectoryOptions;
  /** What it runs on. */
  readonly samba: SambaDomain;
}

export interface NewDemoUser {
  readonly upn: string;
  /** Common name: `Alice Example`. */
  readonly commonName: string;
}

/** How long to wait for another domain of this machine, which has the ports. */
const waitForPortsMs = 120_000;

/**
 * Starts a Samba Active Directory domain with the user, whose KDC has a certificate of the demonstration's CA and lets in
 * whom that CA certifies.
 * @param did is told each thing that was done, a line each
 * @throws CountersignError `TRIAL_DOMAIN_NOT_AVAILABLE`, `STATE_LOCKED`
 */
export async function startDemoDomain(
  caDirectory: string,
  { upn, commonName }: NewDemoUser,
  did: (line: string) => void,
): Promise<DemoDomain> {
  await assertClientsInstalled();
  const { name, realm, hostName } = realmOf(upn);
  const identity = await issueKdcIdentity(caDirectory, realm, hostName);
  const anchors = [await readCaCertificate(caDirectory)];
  const domain = await startSambaDomain({
    realm,
    pkinit: { identity, anchors },
    timeoutMs: waitForPortsMs,
  });
  try {
    did(`${domain.version}: Active Directory domain ${realm}, domain controller ${hostName}, on loopback`);
    did(`the certificate of its KDC is of the CA: serial ${identity.certificate.serialNumber}`);
    await domain.addUser({ name, commonName, upn });
    const ldap = {
      url: domain.ldapsUrl,
      certificateAuthorities: [await readFileBytes(domain.caFile)],
      bind: { name: domain.admin.name, password: Buffer.from(domain.admin.password) },
    };
    const user = await readUser(ldap, upn);
    did(`the directory has ${user.upn}, ${user.account}, ${user.sid}`);
    return {
      server: 'samba',
      description: domain.version,
      realm,
      krb5ConfigFile: domain.krb5ConfigFile,
      kdc: domain.kdc,
      userName: user.upn,
      service: `ldap/${hostName}`,
      // By this name the domain controller is found without DNS, and has a ticket issued for itself.
      directory: { url: 'ldap://localhost', user },
      user,
      ldap,
      samba: domain,
      stop: async () => domain.stop(),
    };
  } catch (error) {
    await domain.stop();
    throw error;
  }
}

async function readUser(ldap: LdapDirectoryOptions, upn: string): Promise<DemoUser> {
  const directory = await LdapDirectory.open(ldap);
  try {
    const user = await directory.findByUpn(upn);
    if (user === undefined) throw notFound(upn);
    const { sid, distinguishedName, account, groups } = user;
    return { upn: user.upn, sid, distinguishedName, account, groups };
  } finally {
    await directory.close();
  }
}

function notFound(upn: string): CountersignError {
  return new CountersignError(
    'USER_NOT_FOUND',
    `the directory does not find ${upn}, who was added to it just now`,
    'This is a defect; please report it.',
  );
}
