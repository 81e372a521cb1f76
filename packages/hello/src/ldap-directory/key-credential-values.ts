import {
  CountersignError,
  KeyCredential,
  parseDnWithBinary,
  type RegisteredKeyCredential,
  toRegisteredKeyCredential,
} from '@countersign/core';
import { utf8Text } from './entry-attributes.ts';

/** lDAPDisplayName (MS-ADA2 2.358). */
export const keyCredentialLink = 'msDS-KeyCredentialLink';

/** A value of msDS-KeyCredentialLink and what it says. */
export interface KeyCredentialValue {
  /** DN-Binary as the directory gave it: what a deletion has to name. */
  readonly value: string;
  readonly registered: RegisteredKeyCredential;
}

/** A value of msDS-KeyCredentialLink that stands for no key with which a user could ask for a certificate. */
export interface UnusableKeyCredential {
  /** DN-Binary as the directory gave it; octets that are no UTF-8 are replaced. */
  readonly value: string;
  /** Why: `KEY_CREDENTIAL_MALFORMED`, `KEY_NOT_ACCEPTABLE` for a key of another use, what `PublicKey.parse` throws. */
  readonly reason: CountersignError;
}

export interface KeyCredentialValues {
  /** In ascending order of registration, so that the first of two values for one key is the same for everybody. */
  readonly usable: readonly KeyCredentialValue[];
  readonly unusable: readonly UnusableKeyCredential[];
}

/** Sorts the values of one user; none is fatal, since others than this program write them too. */
export function readKeyCredentialValues(values: readonly Uint8Array[]): KeyCredentialValues {
  const usable: KeyCredentialValue[] = [];
  const unusable: UnusableKeyCredential[] = [];
  for (const octets of values) {
    const value = Buffer.from(octets).toString('utf8');
    try {
      usable.push({ value, registered: readValue(octets) });
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      unusable.push({ value, reason: error });
    }
  }
  return { usable: usable.toSorted(inOrderOfRegistration), unusable };
}

/** Each key once, with the value that was registered first. */
export function firstOfEachKey(usable: readonly KeyCredentialValue[]): RegisteredKeyCredential[] {
  const byKeyId = new Map<string, RegisteredKeyCredential>();
  for (const { registered } of usable) {
    if (!byKeyId.has(registered.keyId)) byKeyId.set(registered.keyId, registered);
  }
  return [...byKeyId.values()];
}

function readValue(octets: Uint8Array): RegisteredKeyCredential {
  const text = utf8Text(octets);
  if (text === undefined) {
    throw new CountersignError(
      'KEY_CREDENTIAL_MALFORMED',
      'the attribute value is not UTF-8',
      'Remove the value from msDS-KeyCredentialLink and register the key anew.',
    );
  }
  return toRegisteredKeyCredential(KeyCredential.parse(parseDnWithBinary(text).octets));
}

function inOrderOfRegistration(one: KeyCredentialValue, other: KeyCredentialValue): number {
  const difference = one.registered.registeredAt.getTime() - other.registered.registeredAt.getTime();
  if (difference !== 0) return difference;
  return one.value < other.value ? -1 : 1;
}
