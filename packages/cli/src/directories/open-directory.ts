import { join, resolve } from 'node:path';
import type { Directory, DirectoryUser, PublicKey } from '@countersign/core';
import { openFileDirectory, type FileDirectory } from '@countersign/hello';
import type { LdapDirectory, LdapDirectoryOptions } from '@countersign/hello/ldap-directory';
import {
  fileDirectoryTarget,
  type KeyCredentialSource,
  type KeyCredentialTarget,
} from '@countersign/hello/sync';
import { readFileBytes, readFileIfExists } from '@countersign/state';
import { readJsonFile } from '../files/json-file.ts';

/** A directory of users, wherever it is. */
export interface OpenedDirectory extends Directory {
  /** Who has the key. */
  findKeyOwner(publicKey: PublicKey): Promise<DirectoryUser | undefined>;
  /** What a sync writes to. @param source whose users are looked for */
  syncTarget(source: KeyCredentialSource): KeyCredentialTarget;
  close(): Promise<void>;
}

/**
 * Opens the directory that a folder holds (`directory.json`), or the Active Directory domain that it names (`ldap.json`).
 * @throws CountersignError `STATE_MISSING`, `STATE_DAMAGED`, and what reaching a domain throws
 */
export async function openDirectory(path: string): Promise<OpenedDirectory> {
  const settings = join(path, 'ldap.json');
  if ((await readFileIfExists(settings)) === undefined)
    return new EmbeddedDirectory(await openFileDirectory(path));
  const { LdapDirectory: Ldap } = await import('@countersign/hello/ldap-directory');
  return new DomainDirectory(await Ldap.open(await readLdapSettings(settings)));
}

/** Opens a directory for one piece of work, and closes it afterwards. */
export async function withDirectory<T>(
  path: string,
  use: (directory: OpenedDirectory) => Promise<T>,
): Promise<T> {
  const directory = await openDirectory(path);
  try {
    return await use(directory);
  } finally {
    await directory.close();
  }
}

class EmbeddedDirectory implements OpenedDirectory {
  readonly #directory: FileDirectory;

  constructor(directory: FileDirectory) {
    this.#directory = directory;
  }

  async findByUpn(upn: string): Promise<DirectoryUser | undefined> {
    return this.#directory.findByUpn(upn);
  }

  async findByAccount(account: string): Promise<DirectoryUser | undefined> {
    return this.#directory.findByAccount(account);
  }

  async findKeyOwner({ keyId }: PublicKey): Promise<DirectoryUser | undefined> {
    const users = await this.#directory.list();
    return users.find(({ keyCredentials }) =>
      keyCredentials.some((credential) => credential.keyId === keyId),
    );
  }

  syncTarget(): KeyCredentialTarget {
    return fileDirectoryTarget(this.#directory);
  }

  async close(): Promise<void> {
    // Nothing is held open between look-ups.
  }
}

class DomainDirectory implements OpenedDirectory {
  readonly #domain: LdapDirectory;

  constructor(domain: LdapDirectory) {
    this.#domain = domain;
  }

  async findByUpn(upn: string): Promise<DirectoryUser | undefined> {
    return this.#domain.findByUpn(upn);
  }

  async findByAccount(account: string): Promise<DirectoryUser | undefined> {
    return this.#domain.findByAccount(account);
  }

  async findKeyOwner({ keyId }: PublicKey): Promise<DirectoryUser | undefined> {
    const [holder] = await this.#domain.findKeyHolders(keyId);
    return holder?.sid === undefined ? undefined : this.#domain.findBySid(holder.sid);
  }

  syncTarget(source: KeyCredentialSource): KeyCredentialTarget {
    return {
      // A domain may have millions of users: only those of the cloud directory are of interest.
      list: async () => {
        const found: DirectoryUser[] = [];
        for (const { upn } of await source.list()) {
          const user = await this.#domain.findByUpn(upn);
          if (user !== undefined) found.push(user);
        }
        return found;
      },
      addKeyCredential: async (upn, { publicKey }) => {
        await this.#domain.registerKey(upn, publicKey);
      },
      removeKeyCredential: async (upn, keyId) => {
        await this.#domain.removeKey(upn, keyId);
      },
    };
  }

  async close(): Promise<void> {
    await this.#domain.close();
  }
}

/** `{"url", "certificateAuthorities": [files], "bindName", "bindPasswordFile"}`; paths from the folder of the file. */
async function readLdapSettings(path: string): Promise<LdapDirectoryOptions> {
  return readJsonFile(path, 'countersign-ldap', async (document, folder) => {
    const files = document.strings('certificateAuthorities').map((file) => resolve(folder, file));
    return {
      url: document.string('url'),
      certificateAuthorities: await Promise.all(files.map(async (file) => readFileBytes(file))),
      bind: {
        name: document.string('bindName'),
        password: { file: resolve(folder, document.string('bindPasswordFile')) },
      },
    };
  });
}
