import { tag } from '../asn1/tag.ts';

/** An attribute type of distinguished names. */
export interface AttributeType {
  /** The keyword of RFC 4514 3 and RFC 4519, or the one in common use. */
  readonly keyword: string;
  readonly oid: string;
  /** How its value is written: UTF8String unless the standard leaves no choice (RFC 5280 Appendix A.1). */
  readonly encoding: typeof tag.utf8String | typeof tag.printableString | typeof tag.ia5String;
  /** Upper bound in characters (RFC 5280 Appendix A.1), where there is one. */
  readonly maxLength?: number;
}

export const attributeTypes: readonly AttributeType[] = [
  { keyword: 'CN', oid: '2.5.4.3', encoding: tag.utf8String, maxLength: 64 },
  { keyword: 'SN', oid: '2.5.4.4', encoding: tag.utf8String, maxLength: 32768 },
  { keyword: 'serialNumber', oid: '2.5.4.5', encoding: tag.printableString, maxLength: 64 },
  { keyword: 'C', oid: '2.5.4.6', encoding: tag.printableString, maxLength: 2 },
  { keyword: 'L', oid: '2.5.4.7', encoding: tag.utf8String, maxLength: 128 },
  { keyword: 'ST', oid: '2.5.4.8', encoding: tag.utf8String, maxLength: 128 },
  { keyword: 'STREET', oid: '2.5.4.9', encoding: tag.utf8String, maxLength: 128 },
  { keyword: 'O', oid: '2.5.4.10', encoding: tag.utf8String, maxLength: 64 },
  { keyword: 'OU', oid: '2.5.4.11', encoding: tag.utf8String, maxLength: 64 },
  { keyword: 'title', oid: '2.5.4.12', encoding: tag.utf8String, maxLength: 64 },
  { keyword: 'GN', oid: '2.5.4.42', encoding: tag.utf8String, maxLength: 32768 },
  { keyword: 'UID', oid: '0.9.2342.19200300.100.1.1', encoding: tag.utf8String },
  { keyword: 'DC', oid: '0.9.2342.19200300.100.1.25', encoding: tag.ia5String },
  { keyword: 'emailAddress', oid: '1.2.840.113549.1.9.1', encoding: tag.ia5String, maxLength: 255 },
];

/** Finds an attribute type by its keyword, without regard to case, or by its dotted OID. */
export function findAttributeType(keywordOrOid: string): AttributeType | undefined {
  const lower = keywordOrOid.toLowerCase();
  return attributeTypes.find(
    ({ keyword, oid }) =>
      oid === lower ||
      keyword.toLowerCase() === lower ||
      (lower === 's' && keyword === 'ST') ||
      (lower === 'e' && keyword === 'emailAddress'),
  );
}
