import { CountersignError, type PublicKey } from '@countersign/core';
import type { Session, SessionObject } from 'graphene-pk11';
import { findCertificates } from './certificate-objects.ts';
import * as ck from './cryptoki.ts';
import { byId, findObjects, readAttribute, readText } from './object-attributes.ts';
import { readPublicKey } from './public-key-attributes.ts';

/** A key pair on a token, told by what can be seen of it. */
export interface FoundKey {
  /** CKA_ID. */
  readonly id: Buffer;
  /** CKA_LABEL. */
  readonly label: string;
  readonly publicKey: PublicKey;
}

/**
 * The key pairs that a session can see and this provider can use. To a session without login tokens show public keys only;
 * then those count, else only the pairs whose private half is there.
 */
export function findKeys(session: Session, loggedIn: boolean): readonly FoundKey[] {
  const publicKeys = findObjects(session, { class: ck.CKO_PUBLIC_KEY }).flatMap((object) => describe(object));
  const found = new Map<string, FoundKey>();
  for (const object of findObjects(session, { class: ck.CKO_PRIVATE_KEY })) {
    for (const key of describePrivate(session, object, publicKeys)) found.set(nameOf(key), key);
  }
  if (!loggedIn) for (const key of publicKeys) if (!found.has(nameOf(key))) found.set(nameOf(key), key);
  return [...found.values()];
}

/**
 * The handle of the private half.
 * @throws CountersignError `KEY_NOT_FOUND`, `KEY_AMBIGUOUS`
 */
export function findPrivateKey(session: Session, key: FoundKey): SessionObject {
  const candidates = findObjects(session, { class: ck.CKO_PRIVATE_KEY, ...byId(key) });
  const matching = candidates.filter((object) => {
    const own = readPublicKey(object);
    return own === undefined || own.equals(key.publicKey);
  });
  const named = matching.filter((object) => readText(object, ck.CKA_LABEL) === key.label);
  const [first, ...others] = named.length > 0 ? named : matching;
  if (first === undefined) {
    throw new CountersignError(
      'KEY_NOT_FOUND',
      `the private half of the key ${describeKey(key)} is not on its token`,
      'It was destroyed, or the token shows it to another user only. List the keys to see which there are.',
    );
  }
  if (others.length > 0) {
    throw new CountersignError(
      'KEY_AMBIGUOUS',
      `${others.length + 1} private keys on the token share the CKA_ID and the label of ${describeKey(key)}`,
      'Give each its own CKA_ID with the tool that made them.',
    );
  }
  return first;
}

/** The public key objects of a pair. */
export function findPublicKeys(session: Session, key: FoundKey): readonly SessionObject[] {
  return findObjects(session, { class: ck.CKO_PUBLIC_KEY, ...byId(key) }).filter(
    (object) => readPublicKey(object)?.equals(key.publicKey) === true,
  );
}

export function describeKey({ id, label }: FoundKey): string {
  return `${JSON.stringify(label)} (id ${id.toString('hex') || 'none'})`;
}

function describe(object: SessionObject): readonly FoundKey[] {
  const publicKey = readPublicKey(object);
  return publicKey === undefined ? [] : [{ ...namesOf(object), publicKey }];
}

/** A private key often shows nothing of its public half, so that this comes from what lies beside it under its CKA_ID. */
function describePrivate(
  session: Session,
  object: SessionObject,
  publicKeys: readonly FoundKey[],
): readonly FoundKey[] {
  const own = describe(object);
  if (own.length > 0) return own;
  const { id, label } = namesOf(object);
  if (id.length === 0) return [];
  const beside = publicKeys.filter((key) => key.id.equals(id)).map(({ publicKey }) => publicKey);
  const certified = (): readonly PublicKey[] =>
    findCertificates(session, { id }).map(({ certificate }) => certificate.publicKey);
  const [publicKey] = beside.length > 0 ? beside : certified();
  return publicKey === undefined ? [] : [{ id, label, publicKey }];
}

function namesOf(object: SessionObject): { readonly id: Buffer; readonly label: string } {
  return {
    id: readAttribute(object, ck.CKA_ID) ?? Buffer.alloc(0),
    label: readText(object, ck.CKA_LABEL),
  };
}

function nameOf({ id, publicKey }: FoundKey): string {
  return `${id.toString('hex')} ${publicKey.keyId}`;
}
