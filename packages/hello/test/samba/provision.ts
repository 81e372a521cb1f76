import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addKeyCredentialLink } from './key-credential-schema.ts';
import { ldbAddValues } from './ldb-tools.ts';
import { runTool } from './run-tool.ts';
import type { TlsFiles } from './tls-certificates.ts';

export interface PkinitFiles {
  /** PEM: certificate of the KDC, with id-pkinit-KPKdc and the name of krbtgt (RFC 4556 3.2.4), and its key. */
  readonly certificateFile: string;
  readonly keyFile: string;
  /** PEM: the CAs whose certificates users may sign in with. */
  readonly anchorsFile: string;
}

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
  readonly krb5ConfigFile: string;
  readonly logFile: string;
}

export interface ProvisionFields {
  readonly folder: string;
  readonly realm: string;
  readonly tls: TlsFiles;
  readonly pkinit?: PkinitFiles;
}

/** Makes the data of a domain, with nothing running. */
export async function provision({ folder, realm, tls, pkinit }: ProvisionFields): Promise<DomainFiles> {
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
    krb5ConfigFile: join(domain, 'private', 'krb5.conf'),
    logFile: join(folder, 'samba.log'),
  };
  // Without --adminpass the tool makes one up and tells it: it stands in no process list.
  const told = await runTool('samba-tool', [
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
  const adminPassword = /Admin password:\s+(?<password>\S+)/u.exec(told)?.groups?.['password'];
  if (adminPassword === undefined) throw new Error(`samba-tool told no password:\n${told}`);
  await writeFile(files.configFile, smbConfiguration(domain, files, tls));
  await chmod(tls.keyFile, 0o600); // Samba takes no other
  await addKeyCredentialLink(files);
  // What the service would do that registers names, and asks DNS servers for them.
  const controller = `CN=DC,OU=Domain Controllers,${files.baseDn}`;
  await ldbAddValues(files, controller, 'servicePrincipalName', [`ldap/${files.hostName}`]);
  await writeFile(files.krb5ConfigFile, krb5Configuration(realm, pkinit));
  return { ...files, adminPassword };
}

/** Everything in the folder, and only the servers that are needed: no DNS, files, name service or winbind. */
function smbConfiguration(
  domain: string,
  { realm, netbiosName, folder }: Pick<DomainFiles, 'realm' | 'netbiosName' | 'folder'>,
  tls: TlsFiles,
): string {
  const settings = {
    realm,
    workgroup: netbiosName,
    'netbios name': 'DC',
    'server role': 'active directory domain controller',
    'server services': 'ldap, kdc',
    interfaces: 'lo',
    'bind interfaces only': 'yes',
    'private dir': join(domain, 'private'),
    'state directory': join(domain, 'state'),
    'binddns dir': join(domain, 'bind-dns'),
    'lock directory': domain,
    'cache directory': join(domain, 'cache'),
    'pid directory': folder,
    'ncalrpc dir': join(domain, 'ncalrpc'),
    'log file': join(folder, 'log.%m'),
    'tls enabled': 'yes',
    'tls keyfile': tls.keyFile,
    'tls certfile': tls.certificateFile,
    'tls cafile': tls.caFile,
  };
  return ['[global]', ...Object.entries(settings).map(([name, value]) => `  ${name} = ${value}`), ''].join(
    '\n',
  );
}

/** For the KDC, and for clients on this machine: the KDC is found without DNS. */
function krb5Configuration(realm: string, pkinit: PkinitFiles | undefined): string {
  const kdc = pkinit && [
    '[kdc]',
    '  enable-pkinit = yes',
    `  pkinit_identity = FILE:${pkinit.certificateFile},${pkinit.keyFile}`,
    `  pkinit_anchors = FILE:${pkinit.anchorsFile}`,
    '  pkinit_principal_in_certificate = yes',
  ];
  return [
    '[libdefaults]',
    `  default_realm = ${realm}`,
    '  dns_lookup_realm = false',
    '  dns_lookup_kdc = false',
    '[realms]',
    `  ${realm} = {`,
    '    kdc = 127.0.0.1',
    `    default_domain = ${realm.toLowerCase()}`,
    '  }',
    '[domain_realm]',
    `  dc.${realm.toLowerCase()} = ${realm}`,
    ...(kdc ?? []),
    '',
  ].join('\n');
}
