import { DerReader } from '../asn1/der-reader.ts';
import { tag } from '../asn1/tag.ts';
import { oids } from '../object-identifiers.ts';
import type { Name } from './name.ts';

/**
 * Whether two names are the same under RFC 5280 7.1: RDN by RDN, text without regard to case, to the number of spaces
 * or to the string type it is written in.
 */
export function namesMatch(a: Name, b: Name): boolean {
  if (a.equals(b)) return true;
  const [left, right] = [canonicalRdns(a), canonicalRdns(b)];
  return left.length === right.length && isPrefix(left, right);
}

/** Whether `name` lies in the subtree under `base` (RFC 5280 4.2.1.10): it begins with the RDNs of `base`. */
export function isWithinSubtree(name: Name, base: Name): boolean {
  return isPrefix(canonicalRdns(base), canonicalRdns(name));
}

/** A text that is the same for all names that match: a key for looking names up. */
export function canonicalName(name: Name): string {
  return JSON.stringify(canonicalRdns(name));
}

function isPrefix(prefix: readonly string[], rdns: readonly string[]): boolean {
  return prefix.length <= rdns.length && prefix.every((rdn, i) => rdn === rdns[i]);
}

/** One key for each RDN; the attributes of a multi-valued one are a set, so they stand in order of their keys. */
function canonicalRdns({ der }: Name): string[] {
  const known = canonical.get(der);
  if (known !== undefined) return known;
  const rdns: string[] = [];
  const reader = DerReader.sequence(der, 'distinguished name');
  while (!reader.done) {
    rdns.push(
      JSON.stringify(
        reader
          .setOf()
          .map(canonicalAttribute)
          .sort((a, b) => (a < b ? -1 : 1)),
      ),
    );
  }
  canonical.set(der, rdns);
  return rdns;
}

const canonical = new WeakMap<Uint8Array, string[]>();

function canonicalAttribute(der: Uint8Array): string {
  const reader = DerReader.sequence(der, 'attribute of a distinguished name');
  const type = reader.oid();
  const isText = textTags.some((identifier) => reader.at(identifier));
  return isText
    ? `${type}=${prepared(reader.text())}`
    : `${type}#${Buffer.from(reader.any()).toString('hex')}`;
}

const textTags = [tag.utf8String, tag.printableString, tag.ia5String, tag.bmpString];

/** RFC 4518 in short: NFKC, case folded, insignificant spaces removed. */
function prepared(text: string): string {
  // Upper case first, for letters whose folding only that shows (ß).
  const folded = text.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');
  return folded.trim().replaceAll(/\s+/gu, ' ');
}

/** The values of the subject's emailAddress attributes, which name constraints cover as well (RFC 5280 4.2.1.10). */
export function emailAddressesIn(name: Name): string[] {
  const addresses: string[] = [];
  const reader = DerReader.sequence(name.der, 'distinguished name');
  while (!reader.done) {
    for (const der of reader.setOf()) {
      const attribute = DerReader.sequence(der, 'attribute of a distinguished name');
      if (attribute.oid() === oids.emailAddress) addresses.push(attribute.text());
    }
  }
  return addresses;
}
