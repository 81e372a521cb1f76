import { DerReader } from '../asn1/der-reader.ts';
import { bmpString, sequence } from '../asn1/der-writer.ts';
import { tag } from '../asn1/tag.ts';

export interface NameValuePair {
  readonly name: string;
  readonly value: string;
}

/** EnrollmentNameValuePair ::= SEQUENCE { name BMPString, value BMPString } (MS-WCCE 2.2.2.7.10), DER. */
export function encodeNameValuePair({ name, value }: NameValuePair): Uint8Array {
  return sequence(bmpString(name), bmpString(value));
}

/**
 * Reads an attribute value that is one pair (what Windows and others send) or a SEQUENCE OF pairs (what MS-WCCE
 * prints). A trailing U+0000 is dropped: some writers count the terminator of their C strings.
 */
export function parseNameValuePairs(der: Uint8Array): NameValuePair[] {
  const reader = DerReader.sequence(der, 'enrollment name-value pair');
  if (reader.at(tag.bmpString)) return [readPair(reader)];
  const pairs: NameValuePair[] = [];
  while (!reader.done) pairs.push(readPair(reader.sequence()));
  return pairs;
}

function readPair(reader: DerReader): NameValuePair {
  const name = withoutTerminator(reader.bmpString());
  const value = withoutTerminator(reader.bmpString());
  if (name.includes('\0') || value.includes('\0')) throw reader.malformed('a name or value holds a NUL');
  reader.end();
  return { name, value };
}

function withoutTerminator(text: string): string {
  return text.endsWith('\0') ? text.slice(0, -1) : text;
}
