import { context, octetString, sequence, sequenceOf, type DerReader } from '@countersign/core/asn1';
import { int32, readField, readInt32, readSequenceOf } from './kerberos-types.ts';

/** PA-DATA (RFC 4120 5.2.7): what is said beside a request or a reply, mostly to authenticate. */
export interface PaData {
  readonly type: number;
  readonly value: Uint8Array;
}

/** RFC 4556 3.1.1, RFC 6113 7.1, RFC 8070 4, and the typed data of RFC 4556 3.1.1. */
export const paDataTypes = {
  pkAsReq: 16,
  pkAsRep: 17,
  fxCookie: 133,
  asFreshness: 150,
  tdDhParameters: 109,
} as const;

export function encodePaDataSequence(items: readonly PaData[]): Uint8Array {
  return sequenceOf(
    items.map(({ type, value }) => sequence(context(1, int32(type)), context(2, octetString(value)))),
  );
}

/** SEQUENCE OF PA-DATA, which is METHOD-DATA too. */
export function readPaDataSequence(reader: DerReader): PaData[] {
  return readSequenceOf(reader, (item) => {
    const paData = item.sequence();
    const type = readField(paData, 1, readInt32);
    const value = readField(paData, 2, (field) => field.octetString());
    paData.end();
    return { type, value };
  });
}

/**
 * The e-data of a KRB-ERROR: METHOD-DATA, or TYPED-DATA (RFC 4120 5.9.1, RFC 4556 3.1.3), which differs in its tags and
 * may leave values out. KDCs mix them up, so whichever stands there is read.
 */
export function readErrorData(reader: DerReader): PaData[] {
  const probe = reader.fork().sequence();
  if (probe.done || !probe.sequence().at(0xa0)) return readPaDataSequence(reader);
  return readSequenceOf(reader, (item) => {
    const typedData = item.sequence();
    const type = readField(typedData, 0, readInt32);
    const value = typedData.done ? new Uint8Array() : readField(typedData, 1, (field) => field.octetString());
    typedData.end();
    return { type, value };
  });
}

/** The value of the only entry of this type, or undefined. @throws CountersignError `DER_MALFORMED` if there are two */
export function findPaData(
  items: readonly PaData[],
  type: number,
  reader: DerReader,
): Uint8Array | undefined {
  const [found, ...others] = items.filter((item) => item.type === type);
  if (others.length > 0) throw reader.malformed(`PA-DATA of type ${type} stands twice`);
  return found?.value;
}
