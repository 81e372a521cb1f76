import { join } from 'node:path';
import type { PkinitFiles } from '../pkinit-files.ts';

export interface MitKdcConfiguration {
  readonly realm: string;
  readonly folder: string;
  readonly port: number;
  readonly pkinit: PkinitFiles;
  /** Lines of the realm's section, in place of ours or beside them. */
  readonly settings: readonly string[];
}

/** kdc.conf. User principal names of Active Directory and the key usage of its smart cards are taken (MIT 1.16). */
export function mitKdcConfiguration({ realm, folder, port, pkinit, settings }: MitKdcConfiguration): string {
  const { certificateFile, keyFile, anchorsFile, crlFile } = pkinit;
  const lines = [
    ...settings, // of two lines for one setting, the first counts
    `database_name = ${join(folder, 'principal')}`,
    `key_stash_file = ${join(folder, 'stash')}`,
    `acl_file = ${join(folder, 'kadm5.acl')}`,
    `kdc_listen = 127.0.0.1:${port}`,
    `kdc_tcp_listen = 127.0.0.1:${port}`,
    'max_renewable_life = 7d',
    `pkinit_identity = FILE:${certificateFile},${keyFile}`,
    `pkinit_anchors = FILE:${anchorsFile}`,
    'pkinit_allow_upn = true',
    'pkinit_eku_checking = scLogin',
    ...(crlFile === undefined
      ? []
      : [`pkinit_revoke = FILE:${crlFile}`, 'pkinit_require_crl_checking = true']),
  ];
  return `[realms]
  ${realm} = {
    ${lines.join('\n    ')}
  }
[logging]
  kdc = FILE:${join(folder, 'kdc.log')}
`;
}
