/** Strict DER (X.690) for the packages that turn what devices hold into the forms of X.509. */
export { DerReader } from './der-reader.ts';
export {
  bitString,
  boolean,
  context,
  element,
  integer,
  nullValue,
  octetString,
  oid,
  sequence,
  sequenceOf,
  unsignedInteger,
  utf8String,
} from './der-writer.ts';
export { tag } from './tag.ts';
