import { readFile } from 'node:fs/promises';
import { LdapDirectory, type LdapDirectoryOptions } from '@countersign/hello/ldap-directory';
import { onTestFinished } from 'vitest';
import type { SambaDomain } from '@countersign/hello/trial-domain';

/** What is needed to open the domain as its administrator. */
export async function optionsFor(domain: SambaDomain): Promise<LdapDirectoryOptions> {
  return {
    url: domain.ldapsUrl,
    certificateAuthorities: [await readFile(domain.caFile)],
    bind: { name: domain.admin.name, password: Buffer.from(domain.admin.password) },
  };
}

/** The domain opened as its administrator, until the test ends. */
export async function openDirectory(
  domain: SambaDomain,
  changes: Partial<LdapDirectoryOptions> = {},
): Promise<LdapDirectory> {
  const directory = await LdapDirectory.open({ ...(await optionsFor(domain)), ...changes });
  onTestFinished(async () => directory.close());
  return directory;
}

let count = 0;

/** A name that no user has yet. */
export function newName(): string {
  count += 1;
  return `user${count}`;
}
