import type { DirectoryUser, RegisteredKeyCredential } from '@countersign/core';
import type { FileDirectory } from '../directory/file-directory.ts';

/** Where keys are synced from: the cloud directory. */
export interface KeyCredentialSource {
  /** All users with their keys. */
  list(): Promise<readonly DirectoryUser[]>;
}

/** Where keys are synced to: the directory on premises, which RA and CA ask. */
export interface KeyCredentialTarget {
  /** All users with their keys, whoever registered them. */
  list(): Promise<readonly DirectoryUser[]>;
  /**
   * Gives the user a key, as registered at its time; one that the user has already is left as it is.
   * @throws CountersignError `USER_NOT_FOUND`, `KEY_REGISTERED_TO_ANOTHER`
   */
  addKeyCredential(upn: string, credential: RegisteredKeyCredential): Promise<void>;
  /**
   * Takes a key from the user; one that the user does not have is fine.
   * @throws CountersignError `USER_NOT_FOUND`
   */
  removeKeyCredential(upn: string, keyId: string): Promise<void>;
}

/** A file directory as target. */
export function fileDirectoryTarget(directory: FileDirectory): KeyCredentialTarget {
  return {
    list: async () => directory.list(),
    addKeyCredential: async (upn, { publicKey, registeredAt }) => {
      await directory.registerKey(upn, publicKey, registeredAt);
    },
    removeKeyCredential: async (upn, keyId) => directory.removeKey(upn, keyId),
  };
}
