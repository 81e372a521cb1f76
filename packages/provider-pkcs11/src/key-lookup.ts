import { realpath } from 'node:fs/promises';
import { CountersignError } from '@countersign/core';
import { describeKey, type FoundKey } from './key-objects.ts';
import { hasModuleName } from './module-path.ts';
import { formatPkcs11Uri, type Pkcs11Uri } from './pkcs11-uri.ts';
import type { TokenIdentity } from './token-selection.ts';

/** A key and the token it is on. */
export interface LocatedKey<Place extends { readonly identity: TokenIdentity }> {
  readonly place: Place;
  readonly key: FoundKey;
}

/**
 * A reference that matches this key alone: its token, its CKA_ID, and its label where the CKA_ID does not suffice.
 * @param neighbours the other keys that are on the token
 */
export function refOf(
  identity: TokenIdentity,
  key: FoundKey,
  neighbours: readonly FoundKey[],
  modulePath: string,
): string {
  const idSuffices =
    key.id.length > 0 &&
    !neighbours.some((other) => other.id.equals(key.id) && !other.publicKey.equals(key.publicKey));
  return formatPkcs11Uri({
    token: identity.label,
    serial: identity.serialNumber,
    ...(key.id.length === 0 ? {} : { id: key.id }),
    ...(idSuffices ? {} : { object: key.label }),
    type: 'private',
    modulePath,
  });
}

export function matchesKey(uri: Pkcs11Uri, key: FoundKey): boolean {
  return (
    (uri.id === undefined || Buffer.compare(uri.id, key.id) === 0) &&
    (uri.object === undefined || uri.object === key.label)
  );
}

/** @throws CountersignError `KEY_HELD_ELSEWHERE` if the reference is for another module, `KEY_NOT_FOUND` if for no private key */
export async function assertNamesKeysOf(uri: Pkcs11Uri, modulePath: string): Promise<void> {
  if (uri.type !== undefined && uri.type !== 'private') {
    throw notFound(`the reference names an object of the type ${uri.type}`, 'Write type=private for a key.');
  }
  const { modulePath: named, moduleName } = uri;
  if (moduleName !== undefined && !hasModuleName(modulePath, moduleName)) {
    throw heldElsewhere(moduleName, modulePath);
  }
  if (named === undefined || named === modulePath || (await leadsTo(named, modulePath, moduleName))) return;
  throw heldElsewhere(named, modulePath);
}

/** @throws CountersignError `KEY_NOT_FOUND`, `KEY_AMBIGUOUS`, each with what was found */
export function exactlyOne<Place extends { readonly identity: TokenIdentity }>(
  matching: readonly LocatedKey<Place>[],
  all: readonly LocatedKey<Place>[],
): LocatedKey<Place> {
  const [first, ...others] = matching;
  if (first === undefined) {
    const seen = all.length === 0 ? 'no keys can be seen' : `those that can be seen are${describeAll(all)}`;
    throw notFound(
      `no key on the token matches the reference; ${seen}`,
      'List the keys to see which there are. Some tokens show a key only after a login: name a pin-source in the reference.',
    );
  }
  if (others.length > 0) {
    throw new CountersignError(
      'KEY_AMBIGUOUS',
      `the reference matches ${matching.length} keys:${describeAll(matching)}`,
      'Name one of them with token=, serial=, id= or object=, or use a reference that list() returns.',
    );
  }
  return first;
}

function describeAll<Place extends { readonly identity: TokenIdentity }>(
  keys: readonly LocatedKey<Place>[],
): string {
  const listed = keys
    .slice(0, 5)
    .map(
      ({ place: { identity }, key }) =>
        `\n  ${describeKey(key)} on the token ${JSON.stringify(identity.label)} (serial ${identity.serialNumber})`,
    );
  return listed.join('') + (keys.length > 5 ? `\n  and ${keys.length - 5} more` : '');
}

async function leadsTo(named: string, modulePath: string, moduleName: string | undefined): Promise<boolean> {
  try {
    const resolved = await realpath(named);
    return resolved === modulePath || (moduleName !== undefined && modulePath.startsWith(`${resolved}/`));
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}

function heldElsewhere(named: string, used: string): CountersignError {
  return new CountersignError(
    'KEY_HELD_ELSEWHERE',
    `the reference names the module ${named}, this provider uses ${used}`,
    'Create a provider for that module.',
  );
}

function notFound(found: string, hint: string): CountersignError {
  return new CountersignError('KEY_NOT_FOUND', found, hint);
}
