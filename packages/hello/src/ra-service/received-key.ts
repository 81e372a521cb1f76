import type { Directory, DirectoryUser } from '@countersign/core';
import type { KeyReceipt } from '../receipt/index.ts';

/** The directory as it will be once the key has been synced that a verified receipt is for. */
export function withReceivedKey(
  directory: Directory,
  { sid }: DirectoryUser,
  { publicKey, registeredAt }: KeyReceipt,
): Directory {
  const { keyId, subjectPublicKeyInfo } = publicKey;
  const received = { keyId, publicKey: subjectPublicKeyInfo, registeredAt };
  const complete = (user: DirectoryUser | undefined): DirectoryUser | undefined =>
    user?.sid === sid ? { ...user, keyCredentials: [...user.keyCredentials, received] } : user;
  return {
    findByUpn: async (upn) => complete(await directory.findByUpn(upn)),
    findByAccount: async (account) => complete(await directory.findByAccount(account)),
  };
}
