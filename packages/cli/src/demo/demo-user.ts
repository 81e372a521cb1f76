import type { DirectoryUser } from '@countersign/core';

export type DemoUser = Omit<DirectoryUser, 'keyCredentials'>;

/** Whom the demonstration enrolls. The UPN has an upper-case realm so that a plain Kerberos KDC matches it too. */
export const demoUser: DemoUser = {
  upn: 'alice@CONTOSO.TEST',
  sid: 'S-1-5-21-1004336348-1177238915-682003330-1104',
  distinguishedName: 'CN=Alice Example,OU=Users,DC=contoso,DC=test',
  account: String.raw`CONTOSO\alice`,
  groups: [],
};
