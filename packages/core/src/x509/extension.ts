import type { DerReader } from '../asn1/der-reader.ts';
import { boolean, octetString, oid, sequence } from '../asn1/der-writer.ts';
import { tag } from '../asn1/tag.ts';

/** An extension of a certificate, a request or a CRL (RFC 5280 4.1.2.9). */
export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  /** DER of the extension's own type: the contents of extnValue. */
  readonly value: Uint8Array;
}

export function encodeExtension({ oid: id, critical, value }: Extension): Uint8Array {
  // X.690 11.5: a DEFAULT value (FALSE) is left out.
  return critical
    ? sequence(oid(id), boolean(true), octetString(value))
    : sequence(oid(id), octetString(value));
}

/** Extensions ::= SEQUENCE SIZE (1..MAX) OF Extension */
export function encodeExtensions(extensions: readonly Extension[]): Uint8Array {
  return sequence(...extensions.map(encodeExtension));
}

/**
 * Reads the elements of Extensions. There is at least one, and none stands twice (RFC 5280 4.2).
 * @throws CountersignError `DER_MALFORMED`
 */
export function readExtensions(extensions: DerReader): Extension[] {
  const read = new Map<string, Extension>();
  while (!extensions.done) {
    const extension = readExtension(extensions);
    if (read.has(extension.oid)) throw extensions.malformed(`the extension ${extension.oid} stands twice`);
    read.set(extension.oid, extension);
  }
  if (read.size === 0) throw extensions.malformed('Extensions holds no extension');
  return [...read.values()];
}

function readExtension(extensions: DerReader): Extension {
  const reader = extensions.sequence();
  const id = reader.oid();
  let critical = false;
  if (reader.at(tag.boolean)) {
    critical = reader.boolean();
    if (!critical) throw reader.malformed('critical is FALSE, which DER leaves out');
  }
  const value = reader.octetString();
  reader.end();
  return { oid: id, critical, value };
}
