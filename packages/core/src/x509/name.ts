import { DerReader } from '../asn1/der-reader.ts';
import {
  element,
  oid,
  printableString,
  ia5String,
  sequence,
  sequenceOf,
  setOf,
  utf8String,
} from '../asn1/der-writer.ts';
import { tag } from '../asn1/tag.ts';
import { CountersignError } from '../errors.ts';
import { findAttributeType, type AttributeType } from './attribute-types.ts';
import { parseRfc4514, writeRfc4514, type NameAttribute } from './name-string.ts';

/** A distinguished name: an RDNSequence (RFC 5280 4.1.2.4) with its RFC 4514 text form. */
export class Name {
  /** Name, DER. */
  readonly der: Uint8Array;
  #text: string | undefined;

  private constructor(der: Uint8Array) {
    this.der = der;
  }

  static readonly empty = new Name(sequence());

  /**
   * Checks and takes a DER Name; the cursor moves behind it.
   * @throws CountersignError `DER_MALFORMED`
   */
  static read(reader: DerReader): Name {
    const der = reader.fork().element(tag.sequence);
    readAttributes(reader.sequence());
    return new Name(der);
  }

  /** @throws CountersignError `DER_MALFORMED` */
  static parse(der: Uint8Array): Name {
    const reader = DerReader.document(der, 'distinguished name');
    const name = Name.read(reader);
    reader.end();
    return name;
  }

  /**
   * Encodes an RFC 4514 string. Its last RDN comes first in the encoding: `CN=Alice,DC=contoso,DC=com` starts with com.
   * @throws CountersignError `NAME_MALFORMED`
   */
  static fromString(text: string): Name {
    try {
      const rdns = parseRfc4514(text)
        .toReversed()
        .map((rdn) => setOf(rdn.map(({ type, value }) => encodeAttribute(text, type, value))));
      // What no reader here would take is not written either: a NUL, an attribute twice in one RDN, "#" without DER.
      return Name.parse(sequenceOf(rdns));
    } catch (error) {
      if (!(error instanceof CountersignError) || error.code === 'NAME_MALFORMED') throw error;
      throw new CountersignError(
        'NAME_MALFORMED',
        `"${text}" cannot be encoded: ${error.message}`,
        'Give every attribute once in an RDN, text without NUL, and after "#" the DER of a whole value.',
        { cause: error },
      );
    }
  }

  /** The name one level below this one, which ends in this RelativeDistinguishedName (SET contents, DER). */
  below(rdnContents: Uint8Array): Name {
    const rdns = DerReader.document(this.der, 'distinguished name').contents(tag.sequence);
    return Name.parse(element(tag.sequence, rdns, element(tag.set, rdnContents)));
  }

  get isEmpty(): boolean {
    return this.der.length === 2;
  }

  /** RFC 4514 string; attribute types without a keyword and values that are not text print as OID and `#hex`. */
  toString(): string {
    this.#text ??= writeRfc4514(
      readAttributes(DerReader.sequence(this.der, 'distinguished name')).toReversed(),
    );
    return this.#text;
  }

  /** Whether both encodings are the same, octet for octet: what certificate issuers are matched by here. */
  equals(other: Name): boolean {
    return Buffer.compare(this.der, other.der) === 0;
  }
}

function readAttributes(rdnSequence: DerReader): NameAttribute[][] {
  const rdns: NameAttribute[][] = [];
  while (!rdnSequence.done) {
    const rdn = rdnSequence.setOf().map(readAttribute);
    if (rdn.length === 0) throw rdnSequence.malformed('a relative distinguished name is empty');
    rdns.push(rdn);
  }
  return rdns;
}

function readAttribute(der: Uint8Array): NameAttribute {
  const reader = DerReader.sequence(der, 'attribute of a distinguished name');
  const type = reader.oid();
  // TeletexString and the like have no reliable decoding, and RFC 4514 2.4 writes types without keyword as #hex.
  const isText =
    findAttributeType(type) !== undefined &&
    (reader.at(tag.utf8String) ||
      reader.at(tag.printableString) ||
      reader.at(tag.ia5String) ||
      reader.at(tag.bmpString));
  if (!isText) {
    const value = { kind: 'encoded', der: reader.any() } as const;
    reader.end();
    return { type, value };
  }
  const text = reader.text();
  // What ends at a NUL for one reader and goes on for the next names two subjects.
  if (text === '' || text.includes('\0')) throw reader.malformed('a name attribute is empty or holds a NUL');
  reader.end();
  return { type, value: { kind: 'text', text } };
}

function encodeAttribute(name: string, keyword: string, value: NameAttribute['value']): Uint8Array {
  const type = findAttributeType(keyword);
  if (value.kind === 'encoded') {
    return sequence(oid(type?.oid ?? keyword), value.der);
  }
  if (type === undefined) {
    throw new CountersignError(
      'NAME_MALFORMED',
      `"${name}" has the attribute type "${keyword}", whose syntax is not known here`,
      'Use CN, OU, O, DC, C, L, ST, UID, emailAddress …, or give the value of another type as #hex of its DER.',
    );
  }
  const { length } = Array.from(value.text);
  if (length === 0 || (type.maxLength !== undefined && length > type.maxLength)) {
    throw new CountersignError(
      'NAME_MALFORMED',
      `in "${name}", ${type.keyword} has ${length} characters; expected 1 to ${type.maxLength ?? 'many'} (RFC 5280 A.1)`,
      'Shorten the value.',
    );
  }
  return sequence(oid(type.oid), encodeText(name, type, value.text));
}

function encodeText(name: string, type: AttributeType, text: string): Uint8Array {
  try {
    switch (type.encoding) {
      case tag.utf8String:
        return utf8String(text);
      case tag.printableString:
        return printableString(text);
      case tag.ia5String:
        return ia5String(text);
    }
  } catch (cause) {
    throw new CountersignError(
      'NAME_MALFORMED',
      `in "${name}", the value of ${type.keyword} has characters that the attribute does not allow`,
      'RFC 5280 A.1 gives PrintableString to C and serialNumber, ASCII to DC and emailAddress.',
      { cause },
    );
  }
}
