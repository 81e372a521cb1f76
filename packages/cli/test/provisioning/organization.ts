import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { authenticatorCode, openFileDirectory } from '@countersign/hello';
import { addUser, emptySite, sealCheaply, type Site } from '../enrollment-site.ts';
import { textIn, type Json } from '../run-countersign.ts';

/** Users of their own, so that no test has to wait for the next code of an authenticator. */
export interface TestUser {
  readonly upn: string;
  readonly sid: string;
  readonly dn: string;
  readonly account: string;
}

export interface Organization extends Site {
  /** Someone whom both directories know. */
  readonly newUser: () => Promise<TestUser>;
  /** Settings for a user, in a file; what is given stands in place of the usual. @returns its name */
  readonly settings: (upn: string, changes?: Json) => Promise<string>;
  /** The code of a new authenticator, in a file. @returns its name */
  readonly code: (upn: string) => Promise<string>;
}

export const pin = '482913';

/** A CA, an RA, two directories and the services between them, in one place: `ca`, `ra`, `dir`, `cloud`, `site`. */
export async function organization(siteOptions: readonly string[] = []): Promise<Organization> {
  const site = await emptySite('organization');
  const first = userNumber(0);
  await addUser(site, first);
  await site.runJson(['directory', 'add', '--dir', 'cloud', ...identity(first)]);
  await site.runJson(['ca', 'init', '--dir', 'ca', '--directory', 'dir']);
  await sealCheaply(site, 'ca');
  await site.runJson(['ra', 'init', '--dir', 'ra', '--ca', 'ca']);
  await sealCheaply(site, 'ra');
  const places = ['--dir', 'site', '--ca', 'ca', '--ra', 'ra', '--cloud', 'cloud'];
  await site.runJson(['site', 'init', ...places, ...siteOptions]);
  for (const key of ['site/token-key', 'site/receipt-key']) await sealCheaply(site, key);
  await writeFile(join(site.path, 'pin'), `${pin}\n`, { mode: 0o600 });
  let users = 1;
  return {
    ...site,
    newUser: async () => {
      const user = userNumber(users++);
      for (const directory of ['dir', 'cloud']) {
        const { dn: distinguishedName, ...rest } = user;
        await (await openFileDirectory(join(site.path, directory))).addUser({ ...rest, distinguishedName });
      }
      return user;
    },
    settings: async (upn, changes = {}) => {
      const [name = ''] = upn.split('@');
      const settings = {
        format: 'countersign-hello',
        version: 1,
        upn,
        stateDirectory: `hello-${name}`,
        keys: { software: 'memory:', algorithm: 'p256' },
        services: { site: 'site' },
        facts: { isSessionNotRemote: true },
        ...changes,
      };
      await writeFile(join(site.path, `${name}.json`), JSON.stringify(settings));
      return `${name}.json`;
    },
    code: async (upn) => {
      const [name = ''] = upn.split('@');
      const uri = textIn(await site.runJson(['site', 'authenticator', '--dir', 'site', '--upn', upn]), 'uri');
      await writeFile(join(site.path, `${name}.code`), authenticatorCode(uri, new Date()), { mode: 0o600 });
      return `${name}.code`;
    },
  };
}

function userNumber(number: number): TestUser {
  return {
    upn: `user${number}@contoso.test`,
    sid: `S-1-5-21-1004336348-1177238915-682003330-${1104 + number}`,
    dn: `CN=User ${number},OU=Users,DC=contoso,DC=test`,
    account: String.raw`CONTOSO\user${number}`,
  };
}

function identity({ upn, sid, dn, account }: TestUser): readonly string[] {
  return ['--upn', upn, '--sid', sid, '--dn', dn, '--account', account];
}
