import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../run-program.ts';
import { notAvailable } from '../trial-failure.ts';
import { addKeyCredentialLink } from './key-credential-schema.ts';
import { ldbAddValues } from './ldb-tools.ts';
import { smbConfiguration } from './smb-configuration.ts';
import type { TlsFiles } from './tls-certificates.ts';

/** Where the parts of a domain are, and what they are called. */
export interface DomainFiles {
  readonly folder: string;
  readonly realm: string;
  readonly netbiosName: string;
  readonly baseDn: string;
  readonly hostName: string;
  readonly adminPassword: string;
  readonly samDatabase: string;
  readonly configFile: string;
  readonly logFile: string;
}

/** Makes the data of a domain, with nothing running. */
export async function provision(folder: string, realm: string, tls: TlsFiles): Promise<DomainFiles> {
  const netbiosName = realm.split('.')[0] ?? realm;
  const domain = join(folder, 'domain');
  const files = {
    folder,
    realm,
    netbiosName,
    baseDn: realm
      .toLowerCase()
      .split('.')
      .map((label) => `DC=${label}`)
      .join(','),
    hostName: `dc.${realm.toLowerCase()}`,
    samDatabase: join(domain, 'private', 'sam.ldb'),
    configFile: join(folder, 'smb.conf'),
    logFile: join(folder, 'samba.log'),
  };
  const adminPassword = await makeDomain(domain, realm, netbiosName);
  await writeFile(files.configFile, smbConfiguration({ realm, netbiosName, domain, folder, tls }));
  await chmod(tls.keyFile, 0o600); // Samba takes no other
  await addKeyCredentialLink(files);
  // What the service would do that registers names, and asks DNS servers for them. `localhost` is for clients that look
  // up the address of the host whose ticket they want: no DNS server knows the domain controller.
  const controller = `CN=DC,OU=Domain Controllers,${files.baseDn}`;
  const services = [`ldap/${files.hostName}`, 'ldap/localhost'];
  await ldbAddValues(files, controller, 'servicePrincipalName', services);
  return { ...files, adminPassword };
}

/** @returns the administrator's password: without one given the tool makes it up, so that it stands in no process list */
async function makeDomain(domain: string, realm: string, netbiosName: string): Promise<string> {
  const { stdout, stderr } = await runProgram('samba-tool', [
    'domain',
    'provision',
    '--base-schema=2012_R2',
    '--server-role=dc',
    '--dns-backend=SAMBA_INTERNAL',
    `--realm=${realm}`,
    `--domain=${netbiosName}`,
    '--host-name=dc',
    '--host-ip=127.0.0.1',
    `--targetdir=${domain}`,
    '--option=interfaces=lo',
    '--option=bind interfaces only=yes',
  ]);
  const password = /Admin password:\s+(?<password>\S+)/u.exec(stdout + stderr)?.groups?.['password'];
  if (password !== undefined) return password;
  throw notAvailable(
    'samba-tool made a domain and told no password of its administrator',
    'Take a version of Samba from 4.17 on.',
  );
}
