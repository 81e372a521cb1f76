import type { PkinitFiles } from '../pkinit-files.ts';

/** krb5.conf for Samba's own KDC, which is Heimdal. */
export function kdcConfiguration(realm: string, pkinit: PkinitFiles | undefined): string {
  return [
    '[libdefaults]',
    `  default_realm = ${realm}`,
    '  dns_lookup_realm = false',
    '  dns_lookup_kdc = false',
    '[realms]',
    `  ${realm} = {`,
    '    kdc = 127.0.0.1',
    '  }',
    ...(pkinit === undefined ? [] : pkinitSection(pkinit)),
    '',
  ].join('\n');
}

function pkinitSection({ certificateFile, keyFile, anchorsFile }: PkinitFiles): string[] {
  return [
    '[kdc]',
    '  enable-pkinit = yes',
    `  pkinit_identity = FILE:${certificateFile},${keyFile}`,
    `  pkinit_anchors = FILE:${anchorsFile}`,
    '  pkinit_principal_in_certificate = yes',
  ];
}
