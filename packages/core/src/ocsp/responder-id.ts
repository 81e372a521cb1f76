import type { DerReader } from '../asn1/der-reader.ts';
import { context, octetString } from '../asn1/der-writer.ts';
import { contextConstructed } from '../asn1/tag.ts';
import type { PublicKey } from '../keys/public-key.ts';
import { namesMatch } from '../x509/name-matching.ts';
import { Name } from '../x509/name.ts';

/** ResponderID (RFC 6960 4.2.1): who signed, by name or by the SHA-1 of the key. */
export type ResponderId =
  { readonly kind: 'byName'; readonly name: Name } | { readonly kind: 'byKey'; readonly keyHash: Uint8Array };

/** Someone who may have signed. */
export interface Responder {
  readonly subject: Name;
  readonly publicKey: PublicKey;
}

export function encodeResponderId(kind: ResponderId['kind'], responder: Responder): Uint8Array {
  return kind === 'byName'
    ? context(1, responder.subject.der)
    : context(2, octetString(responder.publicKey.keyIdentifier));
}

/** @throws CountersignError `DER_MALFORMED` */
export function readResponderId(reader: DerReader): ResponderId {
  if (reader.at(contextConstructed(1))) {
    const explicit = reader.context(1);
    const name = Name.read(explicit);
    explicit.end();
    return { kind: 'byName', name };
  }
  const explicit = reader.context(2);
  const keyHash = explicit.octetString();
  explicit.end();
  if (keyHash.length !== 20) throw reader.malformed('the hash of the responder key is not a SHA-1');
  return { kind: 'byKey', keyHash };
}

/** Whether the identifier means this responder; others may share the name. */
export function identifies(id: ResponderId, { subject, publicKey }: Responder): boolean {
  return id.kind === 'byName'
    ? namesMatch(id.name, subject)
    : Buffer.compare(id.keyHash, publicKey.keyIdentifier) === 0;
}
