export type { BindPassword } from './bind-password.ts';
export type { UnusableKeyCredential } from './key-credential-values.ts';
export type { KeyHolder } from './key-holders.ts';
export { LdapDirectory, type LdapDirectoryOptions, type RegisterKeyOptions } from './ldap-directory.ts';
export { formatSid } from './sid.ts';
export type { LdapDirectoryUser } from './user-entry.ts';
