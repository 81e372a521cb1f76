import type { DirectoryUser, RegisteredKeyCredential } from '@countersign/core';
import { comparable, type NewDirectoryUser, type UserField, userFields } from './user-rules.ts';

/** All users of a directory, none of whom shares a name or a key with another. Never changes; adding makes a new one. */
export class UserIndex {
  readonly users: readonly DirectoryUser[];
  readonly #byField: Readonly<Record<UserField, Map<string, DirectoryUser>>>;
  readonly #byKeyId = new Map<string, DirectoryUser>();

  /** @param refuse makes the error for a user who clashes with one before */
  constructor(users: readonly DirectoryUser[], refuse: (clash: Clash) => Error) {
    this.users = users;
    this.#byField = { upn: new Map(), sid: new Map(), distinguishedName: new Map(), account: new Map() };
    for (const user of users) {
      const clash = this.findClash(user);
      if (clash !== undefined) {
        throw refuse(clash);
      }
      for (const field of userFields) {
        this.#byField[field].set(comparable(field, user[field]), user);
      }
      for (const { keyId } of user.keyCredentials) {
        this.#byKeyId.set(keyId, user);
      }
    }
  }

  find(field: 'upn' | 'account', text: string): DirectoryUser | undefined {
    return this.#byField[field].get(comparable(field, text));
  }

  findByKeyId(keyId: string): DirectoryUser | undefined {
    return this.#byKeyId.get(keyId);
  }

  /** Who already has one of the values that may occur only once. */
  findClash(
    user: NewDirectoryUser & { readonly keyCredentials: readonly RegisteredKeyCredential[] },
  ): Clash | undefined {
    for (const field of userFields) {
      const other = this.#byField[field].get(comparable(field, user[field]));
      if (other !== undefined) {
        return { field, value: user[field], other };
      }
    }
    for (const { keyId } of user.keyCredentials) {
      const other = this.#byKeyId.get(keyId);
      if (other !== undefined) {
        return { field: 'key', value: keyId, other };
      }
    }
    return undefined;
  }
}

export interface Clash {
  readonly field: UserField | 'key';
  readonly value: string;
  readonly other: DirectoryUser;
}
