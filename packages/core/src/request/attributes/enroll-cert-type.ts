import { DerReader } from '../../asn1/der-reader.ts';
import { bmpString, sequence, utf8String } from '../../asn1/der-writer.ts';
import { tag } from '../../asn1/tag.ts';
import { attributeMalformed } from './attribute-malformed.ts';

/** The name of a version 1 template (szOID_ENROLL_CERTTYPE, MS-WCCE 2.2.2.7.7.1), as attribute or extension. */
export interface EnrollCertType {
  readonly templateName: string;
  /** `bmpString` is what Windows writes and reads; `sequence` is SEQUENCE { UTF8String }, as the specification prints. */
  readonly form: 'bmpString' | 'sequence';
}

/**
 * Reads the value of the attribute, or of the extension that goes by the same identifier, in either form.
 * @param value DER
 * @throws CountersignError `DER_MALFORMED`; `ATTRIBUTE_MALFORMED` for an empty name or one with a NUL in it
 */
export function parseEnrollCertType(value: Uint8Array): EnrollCertType {
  const reader = DerReader.document(value, 'template name');
  const form = reader.at(tag.sequence) ? 'sequence' : 'bmpString';
  if (form === 'bmpString') {
    const templateName = reader.bmpString();
    reader.end();
    return { templateName: checked(templateName), form };
  }
  const inner = reader.sequence();
  const templateName = inner.utf8String();
  inner.end();
  reader.end();
  return { templateName: checked(templateName), form };
}

/** @returns DER, for the attribute or the extension */
export function encodeEnrollCertType({ templateName, form }: EnrollCertType): Uint8Array {
  const name = checked(templateName);
  return form === 'bmpString' ? bmpString(name) : sequence(utf8String(name));
}

/** What ends at a NUL for one reader and goes on for the next names two templates. */
function checked(templateName: string): string {
  if (templateName === '' || templateName.includes('\0')) {
    throw attributeMalformed('the template name is empty or holds a NUL');
  }
  return templateName;
}
