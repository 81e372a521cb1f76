import { join } from 'node:path';
import type { TlsFiles } from './tls-certificates.ts';

export interface SmbConfiguration {
  readonly realm: string;
  readonly netbiosName: string;
  /** What `samba-tool` made. */
  readonly domain: string;
  /** Gets the log and the process id. */
  readonly folder: string;
  readonly tls: TlsFiles;
}

/** smb.conf: everything in the folder, and only the servers that are needed: no DNS, files, name service or winbind. */
export function smbConfiguration({ realm, netbiosName, domain, folder, tls }: SmbConfiguration): string {
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
