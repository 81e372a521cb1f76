import {
  CountersignError,
  type Directory,
  type DirectoryUser,
  PublicKey,
  type RegisteredKeyCredential,
} from '@countersign/core';
import { DirectoryFile } from './directory-file.ts';
import type { Clash, UserIndex } from './user-index.ts';
import { type NewDirectoryUser, requireGroups, requireWellFormed, userRules } from './user-rules.ts';

/**
 * A directory in one JSON file. Processes may share it: every lookup sees every change that was completed before it.
 * What is returned is a copy. All methods fail with `STATE_MISSING`, `STATE_DAMAGED`, `FILE_UNREADABLE` if the file
 * went missing, or is not whole; the ones that change it also with `STATE_LOCKED` and `FILE_UNWRITABLE`, and then
 * nothing is changed.
 */
export interface FileDirectory extends Directory {
  /** All users, in the order in which they were added. */
  list(): Promise<readonly DirectoryUser[]>;
  /**
   * @throws CountersignError `USER_MALFORMED` if a value is not in its form, `USER_EXISTS` if another user has the same
   *   upn, sid, distinguished name or account.
   */
  addUser(user: NewDirectoryUser): Promise<DirectoryUser>;
  /**
   * Puts the user into groups, beside those that it is in.
   * @param groups SIDs
   * @throws CountersignError `USER_NOT_FOUND`, `USER_MALFORMED` for what is no SID
   */
  addToGroups(upn: string, groups: readonly string[]): Promise<DirectoryUser>;
  /**
   * Registers a public key (SubjectPublicKeyInfo, DER) for the user. A key that this user has already is left as it is
   * and returned.
   * @param registeredAt now if absent
   * @throws CountersignError `USER_NOT_FOUND`, `KEY_REGISTERED_TO_ANOTHER`, and what `PublicKey.parse` refuses.
   */
  registerKey(upn: string, publicKey: Uint8Array, registeredAt?: Date): Promise<RegisteredKeyCredential>;
  /**
   * Takes a key from the user; one that the user does not have is fine.
   * @param keyId SHA-256 of the SubjectPublicKeyInfo, lower-case hex
   * @throws CountersignError `USER_NOT_FOUND`
   */
  removeKey(upn: string, keyId: string): Promise<void>;
}

export interface FileDirectoryOptions {
  /** Tells the time at which a key is registered; the system's clock by default. */
  readonly clock?: () => Date;
}

/**
 * Makes an empty directory in the folder `path`, and the folder if need be.
 * @throws CountersignError `STATE_EXISTS` if there is one, `STATE_DAMAGED` if others could write to the folder,
 *   `FILE_UNWRITABLE`
 */
export async function createFileDirectory(
  path: string,
  options: FileDirectoryOptions = {},
): Promise<FileDirectory> {
  const file = new DirectoryFile(path);
  await file.create();
  return new JsonFileDirectory(file, options);
}

/**
 * Opens the directory in the folder `path`.
 * @throws CountersignError `STATE_MISSING`, `STATE_DAMAGED`, `FILE_UNREADABLE`
 */
export async function openFileDirectory(
  path: string,
  options: FileDirectoryOptions = {},
): Promise<FileDirectory> {
  const file = new DirectoryFile(path);
  await file.open();
  return new JsonFileDirectory(file, options);
}

class JsonFileDirectory implements FileDirectory {
  readonly #file: DirectoryFile;
  readonly #clock: () => Date;

  constructor(file: DirectoryFile, { clock = () => new Date() }: FileDirectoryOptions) {
    this.#file = file;
    this.#clock = clock;
  }

  async findByUpn(upn: string): Promise<DirectoryUser | undefined> {
    return copyFound((await this.#file.read()).find('upn', upn));
  }

  async findByAccount(account: string): Promise<DirectoryUser | undefined> {
    return copyFound((await this.#file.read()).find('account', account));
  }

  async list(): Promise<readonly DirectoryUser[]> {
    return (await this.#file.read()).users.map(copyUser);
  }

  async addUser(newUser: NewDirectoryUser): Promise<DirectoryUser> {
    requireWellFormed(newUser);
    const { upn, sid, distinguishedName, account, groups = [] } = newUser;
    const user = { upn, sid, distinguishedName, account, groups: [...new Set(groups)], keyCredentials: [] };
    return this.#file.change((index) => {
      const clash = index.findClash(user);
      if (clash !== undefined) {
        throw userExists(clash);
      }
      return { users: [...index.users, user], result: user };
    });
  }

  async addToGroups(upn: string, groups: readonly string[]): Promise<DirectoryUser> {
    requireGroups(groups);
    return this.#file.change((index) => {
      const user = requireUser(index, upn);
      const changed = { ...user, groups: [...new Set([...user.groups, ...groups])] };
      return { users: replaced(index, user, changed), result: copyUser(changed) };
    });
  }

  async registerKey(
    upn: string,
    publicKey: Uint8Array,
    registeredAt: Date = this.#clock(),
  ): Promise<RegisteredKeyCredential> {
    const { keyId, subjectPublicKeyInfo } = PublicKey.parse(Uint8Array.from(publicKey));
    return this.#file.change((index) => {
      const user = requireUser(index, upn);
      const owner = index.findByKeyId(keyId);
      if (owner !== undefined && owner !== user) {
        throw registeredToAnother(keyId, owner);
      }
      const existing = user.keyCredentials.find((credential) => credential.keyId === keyId);
      if (existing !== undefined) {
        return { users: undefined, result: copyCredential(existing) };
      }
      const credential = { keyId, publicKey: subjectPublicKeyInfo, registeredAt: new Date(registeredAt) };
      const changed = { ...user, keyCredentials: [...user.keyCredentials, credential] };
      return { users: replaced(index, user, changed), result: copyCredential(credential) };
    });
  }

  async removeKey(upn: string, keyId: string): Promise<void> {
    await this.#file.change((index) => {
      const user = requireUser(index, upn);
      const keyCredentials = user.keyCredentials.filter((credential) => credential.keyId !== keyId);
      const isGone = keyCredentials.length === user.keyCredentials.length;
      const users = isGone ? undefined : replaced(index, user, { ...user, keyCredentials });
      return { users, result: undefined };
    });
  }
}

function replaced(index: UserIndex, user: DirectoryUser, changed: DirectoryUser): DirectoryUser[] {
  return index.users.map((other) => (other === user ? changed : other));
}

function requireUser(index: UserIndex, upn: string): DirectoryUser {
  const user = index.find('upn', upn);
  if (user === undefined) {
    throw new CountersignError(
      'USER_NOT_FOUND',
      `the directory has no user ${JSON.stringify(upn)}`,
      'Check the user principal name, or add the user: countersign directory add',
    );
  }
  return user;
}

function userExists({ field, value, other }: Clash): CountersignError {
  const title = field === 'key' ? 'key' : userRules[field].title;
  return new CountersignError(
    'USER_EXISTS',
    `the ${title} ${JSON.stringify(value)} belongs to the user ${other.upn}`,
    'Nothing was changed. Give the new user values of their own.',
  );
}

function registeredToAnother(keyId: string, owner: DirectoryUser): CountersignError {
  return new CountersignError(
    'KEY_REGISTERED_TO_ANOTHER',
    `the key ${keyId} is registered for ${owner.upn}`,
    'Generate a key pair for this user: a key stands for one person.',
  );
}

function copyFound(user: DirectoryUser | undefined): DirectoryUser | undefined {
  return user === undefined ? undefined : copyUser(user);
}

/** Bytes and dates could be changed by who receives them; the cache must not be. */
function copyUser(user: DirectoryUser): DirectoryUser {
  return { ...user, groups: [...user.groups], keyCredentials: user.keyCredentials.map(copyCredential) };
}

function copyCredential({
  keyId,
  publicKey,
  registeredAt,
}: RegisteredKeyCredential): RegisteredKeyCredential {
  return { keyId, publicKey: Uint8Array.from(publicKey), registeredAt: new Date(registeredAt) };
}
