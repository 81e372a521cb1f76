import type { DerReader } from '../asn1/der-reader.ts';
import { context, contextContents, oid, sequence } from '../asn1/der-writer.ts';
import { decodeIa5String, encodeIa5String } from '../asn1/strings.ts';
import { contextConstructed, contextPrimitive } from '../asn1/tag.ts';
import { CountersignError } from '../errors.ts';
import { Name } from './name.ts';

/** GeneralName (RFC 5280 4.2.1.6). Forms that Countersign has no use for keep their DER. */
export type GeneralName =
  | {
      readonly kind: 'otherName';
      readonly typeId: string;
      /** DER of the value. */ readonly value: Uint8Array;
    }
  | { readonly kind: 'rfc822Name' | 'dNSName' | 'uniformResourceIdentifier'; readonly text: string }
  | { readonly kind: 'directoryName'; readonly name: Name }
  | { readonly kind: 'iPAddress'; readonly octets: Uint8Array }
  | { readonly kind: 'unparsed'; readonly der: Uint8Array };

/** Text forms by their context tag. */
const textForms = [
  ['rfc822Name', 1],
  ['dNSName', 2],
  ['uniformResourceIdentifier', 6],
] as const;

export function encodeGeneralName(name: GeneralName): Uint8Array {
  switch (name.kind) {
    case 'otherName':
      return context(0, oid(name.typeId), context(0, name.value));
    case 'directoryName':
      return context(4, name.name.der);
    case 'iPAddress':
      if (!isAddress(name.octets)) {
        throw outOfRange(`an IP address of ${name.octets.length} octets`, 'Give 4 octets or 16.');
      }
      return contextContents(7, name.octets);
    case 'unparsed':
      return name.der;
    case 'rfc822Name':
    case 'dNSName':
    case 'uniformResourceIdentifier': {
      const [, n] = textForms.find(([kind]) => kind === name.kind) ?? textForms[0];
      return contextContents(n, ia5(name.text));
    }
  }
}

export function encodeGeneralNames(names: readonly GeneralName[]): Uint8Array {
  return sequence(...names.map(encodeGeneralName));
}

/** Reads one GeneralName. @throws CountersignError `DER_MALFORMED` */
export function readGeneralName(reader: DerReader): GeneralName {
  for (const [kind, n] of textForms) {
    if (!reader.at(contextPrimitive(n))) continue;
    const text = decodeIa5String(reader.contextContents(n));
    // RFC 5280 4.2.1.6: not empty. A NUL would end the name for one reader and not for the next.
    if (text === undefined || !isName(text)) {
      throw reader.malformed(`the ${kind} is empty, not ASCII or holds a NUL`);
    }
    return { kind, text };
  }
  if (reader.at(contextConstructed(0))) {
    const otherName = reader.context(0);
    const typeId = otherName.oid();
    const explicit = otherName.context(0);
    const value = explicit.any();
    explicit.end();
    otherName.end();
    return { kind: 'otherName', typeId, value };
  }
  if (reader.at(contextConstructed(4))) {
    const explicit = reader.context(4);
    const name = Name.read(explicit);
    explicit.end();
    return { kind: 'directoryName', name };
  }
  if (reader.at(contextPrimitive(7))) {
    const octets = reader.contextContents(7);
    if (!isAddress(octets)) throw reader.malformed('an iPAddress has a wrong length');
    return { kind: 'iPAddress', octets };
  }
  if (
    reader.at(contextConstructed(3)) ||
    reader.at(contextConstructed(5)) ||
    reader.at(contextPrimitive(8))
  ) {
    return { kind: 'unparsed', der: reader.any() };
  }
  throw reader.malformed('a GeneralName has a tag that is not one of its choices');
}

/** Reads GeneralNames, which hold at least one name. */
export function readGeneralNames(sequenceReader: DerReader): GeneralName[] {
  const names: GeneralName[] = [];
  while (!sequenceReader.done) names.push(readGeneralName(sequenceReader));
  if (names.length === 0) throw sequenceReader.malformed('GeneralNames holds no name');
  return names;
}

function ia5(text: string): Uint8Array {
  const octets = encodeIa5String(text);
  if (octets !== undefined && isName(text)) return octets;
  throw outOfRange(
    `${JSON.stringify(text)} as a name: it is empty, not ASCII or holds a NUL`,
    'Write internationalized domain names in their ASCII form (xn--…).',
  );
}

function isName(text: string): boolean {
  return text !== '' && !text.includes('\0');
}

/** RFC 5280 4.2.1.6: four octets or sixteen. */
function isAddress(octets: Uint8Array): boolean {
  return octets.length === 4 || octets.length === 16;
}

function outOfRange(found: string, hint: string): CountersignError {
  return new CountersignError('VALUE_OUT_OF_RANGE', `a GeneralName cannot hold ${found}`, hint);
}
