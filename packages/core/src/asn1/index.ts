/** Strict DER (X.690) for the packages that turn what devices hold into the forms of X.509, or speak Kerberos. */
export { DerReader } from './der-reader.ts';
export {
  bitString,
  boolean,
  context,
  contextContents,
  element,
  generalizedTime,
  integer,
  nullValue,
  octetString,
  oid,
  sequence,
  sequenceOf,
  unsignedInteger,
  utf8String,
} from './der-writer.ts';
export { contextConstructed, contextPrimitive, tag } from './tag.ts';
