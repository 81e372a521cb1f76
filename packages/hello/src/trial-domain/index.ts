export { startMitKdc, type MitKdc, type MitKdcOptions } from './mit/start-mit-kdc.ts';
export {
  sambaDomainTimeoutMs,
  startSambaDomain,
  type SambaDomain,
  type SambaDomainOptions,
} from './samba/start-samba-domain.ts';
export type { NewSambaUser, SambaUser } from './samba/samba-users.ts';
export type { KdcIdentity, PkinitOptions } from './pkinit-files.ts';
export { generateExportableKey, type ExportableKey } from './exportable-key.ts';
export { runKerberosProgram, type KerberosClient } from './kerberos-client.ts';
export { assertInstalled, type Requirements } from './requirements.ts';
export { freePort } from './listening.ts';

// What is behind a Samba domain, for those who look past LDAP.
export { ldbAddValues, ldbValues } from './samba/ldb-tools.ts';
export { makeTlsCertificates, type TlsFiles } from './samba/tls-certificates.ts';
