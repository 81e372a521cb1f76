import {
  encodeDnWithBinary,
  fromRegisteredKeyCredential,
  KeyCredential,
  type KeyCredentialFields,
  type RegisteredKeyCredential,
  toRegisteredKeyCredential,
} from '@countersign/core';
import type { LdapConnection } from './connection/ldap-connection.ts';
import { modifyValue } from './connection/ldap-operations.ts';
import type { Domain } from './domain.ts';
import { keyCredentialLink, type KeyCredentialValues } from './key-credential-values.ts';
import { readUserEntry, type UserEntry } from './user-entry.ts';

/**
 * Adds a key to those of the user, by adding one value: a replacement could undo what others write at the same time. Two
 * who register one key at once both succeed, and leave one value: each removes all but the one registered first.
 * @returns the key as it stands in the directory
 */
export async function addKeyCredential(
  connection: LdapConnection,
  domain: Domain,
  { user, keyCredentialValues }: UserEntry,
  registered: RegisteredKeyCredential,
  fields: Pick<KeyCredentialFields, 'deviceId' | 'customKeyInformation'>,
): Promise<RegisteredKeyCredential> {
  const [existing] = valuesOf(keyCredentialValues, registered.keyId);
  if (existing !== undefined) return existing.registered;
  const { distinguishedName } = user;
  const { octets } = fromRegisteredKeyCredential(registered, fields);
  const value = encodeDnWithBinary({ octets, distinguishedName });
  await modifyValue(connection, distinguishedName, 'add', keyCredentialLink, value);
  const after = await readUserEntry(connection, domain, distinguishedName);
  const [first, ...later] = after ? valuesOf(after.keyCredentialValues, registered.keyId) : [];
  for (const duplicate of later) {
    await modifyValue(connection, distinguishedName, 'delete', keyCredentialLink, duplicate.value);
  }
  // Whoever took it away meanwhile did so after it was registered.
  return first?.registered ?? toRegisteredKeyCredential(KeyCredential.parse(octets));
}

/** @returns whether the user had the key */
export async function removeKeyCredential(
  connection: LdapConnection,
  { user, keyCredentialValues }: UserEntry,
  keyId: string,
): Promise<boolean> {
  const values = valuesOf(keyCredentialValues, keyId);
  for (const { value } of values) {
    await modifyValue(connection, user.distinguishedName, 'delete', keyCredentialLink, value);
  }
  return values.length > 0;
}

function valuesOf({ usable }: KeyCredentialValues, keyId: string): KeyCredentialValues['usable'] {
  return usable.filter(({ registered }) => registered.keyId === keyId);
}
