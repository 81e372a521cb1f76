import { join } from 'node:path';
import { openFileDirectory } from '@countersign/hello';
import { LdapDirectory } from '@countersign/hello/ldap-directory';
import { removeFileDurably, writeFileAtomic } from '@countersign/state';
import type { DemoDomain } from './full/start-demo-domain.ts';

/**
 * Puts a domain in the place of the embedded directory on premises: RA, CA and sync, which know that by its folder, ask
 * the domain from then on.
 */
export async function useDomainAsDirectory(directory: string, { samba }: DemoDomain): Promise<void> {
  await writeFileAtomic(join(directory, passwordFile), samba.admin.password, { mode: 0o600 });
  const settings = {
    format: 'countersign-ldap',
    version: 1,
    url: samba.ldapsUrl,
    certificateAuthorities: [samba.caFile],
    bindName: samba.admin.name,
    bindPasswordFile: passwordFile,
  };
  await writeFileAtomic(join(directory, settingsFile), `${JSON.stringify(settings, null, 2)}\n`);
}

/** The embedded directory takes over again, with what the domain has of the user: the domain ends with the demonstration. */
export async function leaveDomain(directory: string, { ldap, user }: DemoDomain): Promise<void> {
  const domain = await LdapDirectory.open(ldap);
  const found = await domain.findByUpn(user.upn);
  await domain.close();
  const embedded = await openFileDirectory(directory);
  await embedded.addUser(user);
  for (const { publicKey, registeredAt } of found?.keyCredentials ?? []) {
    await embedded.registerKey(user.upn, publicKey, registeredAt);
  }
  for (const file of [settingsFile, passwordFile]) await removeFileDurably(join(directory, file));
}

const settingsFile = 'ldap.json';
const passwordFile = 'bind-password';
