import * as fc from 'fast-check';
import { element, objectIdentifier, sequence } from './der.ts';

/**
 * A distinguished name in the form that all programs are compared in: relative distinguished names in the order of
 * the encoding, and in each of them its attributes by type (a SET OF has no order of its own).
 */
export type DistinguishedName = readonly (readonly NameAttribute[])[];

export type NameAttribute = readonly [oid: string, text: string];

/** Names of one to five RDNs, some of them multi-valued, with every attribute type that core writes. */
export function distinguishedName(options: { minLength?: number } = {}): fc.Arbitrary<DistinguishedName> {
  const attribute = fc
    .constantFrom(...attributeTypes)
    .chain(({ oid, text }) => text.map((value): NameAttribute => [oid, value]));
  const rdn = fc
    .uniqueArray(attribute, { minLength: 1, maxLength: 3, selector: ([oid]) => oid, size: 'small' })
    .map(sorted);
  return fc.array(rdn, { minLength: options.minLength ?? 1, maxLength: 5, size: 'medium' });
}

/** The string of RFC 4514, written here without core: last RDN first, specials escaped. */
export function toRfc4514(name: DistinguishedName): string {
  return name
    .toReversed()
    .map((rdn) => rdn.map(([oid, text]) => `${keywordOf(oid)}=${escape(text)}`).join('+'))
    .join(',');
}

/** Reads the string of RFC 4514. */
export function fromRfc4514(text: string): DistinguishedName {
  return fromEscaped(text).toReversed();
}

/** Reads `type=value+type=value,type=value` in its own order; `\` escapes a character or, with two digits, an octet. */
export function fromEscaped(text: string): DistinguishedName {
  if (text === '') return [];
  const rdns: NameAttribute[][] = [[]];
  // Split where a separator is not escaped. A backslash takes the next character with it.
  for (const [part, separator = ','] of splitUnescaped(text)) {
    const equals = part.indexOf('=');
    rdns.at(-1)?.push([oidOf(part.slice(0, equals)), unescape(part.slice(equals + 1))]);
    if (separator !== '+') rdns.push([]);
  }
  return rdns.slice(0, -1).map(sorted);
}

/** The attributes of an RDN by type. */
export function sorted(rdn: readonly NameAttribute[]): NameAttribute[] {
  return [...rdn].sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * The attributes of an RDN in the order in which DER puts them (X.690 11.6). @peculiar/x509 2.2.0 and pkijs 4.0.0 write
 * a SET OF in the order that they are given.
 */
export function inDerOrder(rdn: readonly NameAttribute[]): NameAttribute[] {
  return rdn
    .map((attribute) => ({ attribute, encoding: encodeAttribute(attribute) }))
    .sort((a, b) => Buffer.compare(a.encoding, b.encoding))
    .map(({ attribute }) => attribute);
}

/** AttributeTypeAndValue, DER. */
export function encodeAttribute([oid, text]: NameAttribute): Uint8Array<ArrayBuffer> {
  const tags = { utf8String: 0x0c, printableString: 0x13, ia5String: 0x16 };
  return sequence(objectIdentifier(oid), element(tags[stringTypeOf(oid)], Buffer.from(text)));
}

/** Keyword of RFC 4514 3, or the one in common use. */
function keywordOf(oid: string): string {
  return attributeTypes.find((type) => type.oid === oid)?.keyword ?? oid;
}

/** The ASN.1 type that RFC 5280 A.1 gives to the values of an attribute. */
export function stringTypeOf(oid: string): 'utf8String' | 'printableString' | 'ia5String' {
  return attributeTypes.find((type) => type.oid === oid)?.stringType ?? 'utf8String';
}

/** Any Unicode text but NUL, with a liking for what must be escaped somewhere; at most so many code points. */
export function unicodeText(maxLength: number): fc.Arbitrary<string> {
  const special = fc.constantFrom(
    ...Array.from(' "#+,;<=>\\/\'\n\r\t\u007f\u0085\u00a0éß\u0301漢\uffff\u{1f600}\u{10ffff}aZ0'),
  );
  const unit = fc.oneof(
    { arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }), weight: 3 },
    { arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), weight: 1 },
    { arbitrary: special, weight: 2 },
  );
  return fc
    .array(unit, { minLength: 1, maxLength, size: 'medium' })
    .map((units) => Array.from(units.join('').replaceAll('\0', '.')).slice(0, maxLength).join(''));
}

const printableText = fc.string({
  unit: fc.constantFrom(...Array.from("ABCXYZabcxyz0123456789 '()+,-./:=?")),
  minLength: 1,
  maxLength: 64,
});

const asciiText = fc
  .string({ unit: 'binary-ascii', minLength: 1, maxLength: 63 })
  .map((text) => text.replaceAll('\0', '.'));

const label = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,20}[a-z0-9])?$/);

const attributeTypes = [
  utf8('CN', '2.5.4.3', 64),
  utf8('SN', '2.5.4.4', 100),
  { keyword: 'serialNumber', oid: '2.5.4.5', stringType: 'printableString', text: printableText },
  { keyword: 'C', oid: '2.5.4.6', stringType: 'printableString', text: fc.stringMatching(/^[A-Z]{2}$/) },
  utf8('L', '2.5.4.7', 128),
  utf8('ST', '2.5.4.8', 128),
  utf8('STREET', '2.5.4.9', 128),
  utf8('O', '2.5.4.10', 64),
  utf8('OU', '2.5.4.11', 64),
  utf8('title', '2.5.4.12', 64),
  utf8('GN', '2.5.4.42', 100),
  utf8('UID', '0.9.2342.19200300.100.1.1', 100),
  {
    keyword: 'DC',
    oid: '0.9.2342.19200300.100.1.25',
    stringType: 'ia5String',
    text: fc.oneof(label, asciiText),
  },
  { keyword: 'emailAddress', oid: '1.2.840.113549.1.9.1', stringType: 'ia5String', text: asciiText },
] as const;

function utf8(keyword: string, oid: string, maxLength: number) {
  return { keyword, oid, stringType: 'utf8String', text: unicodeText(maxLength) } as const;
}

function oidOf(keywordOrOid: string): string {
  return attributeTypes.find(({ keyword }) => keyword === keywordOrOid)?.oid ?? keywordOrOid;
}

function escape(text: string): string {
  return text.replaceAll(/[",+;<>\\]|^[ #]|(?<!^) $/g, String.raw`\$&`);
}

/** The parts between separators, each with the separator that ends it. */
function splitUnescaped(text: string): [part: string, separator: string | undefined][] {
  return [...text.matchAll(/((?:\\.|[^\\,+])*)([,+]|$)/gsu)]
    .filter(([whole]) => whole !== '')
    .map(([, part = '', separator]) => [part, separator === '' ? undefined : separator]);
}

function unescape(text: string): string {
  const parts = Array.from(
    text.matchAll(/\\([0-9A-Fa-f]{2})|\\(.)|([^\\]+)/gsu),
    ([, hex, character, plain]) =>
      hex === undefined ? Buffer.from(character ?? plain ?? '') : Buffer.from(hex, 'hex'),
  );
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(parts));
}
