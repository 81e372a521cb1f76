import { DerReader } from '../asn1/der-reader.ts';
import { sequence, setOf } from '../asn1/der-writer.ts';
import type { Attribute } from '../request/certification-request-info.ts';
import { encodeAttribute } from '../request/create-certification-request.ts';
import { encodeBodyPartId, readBodyPartId } from './control.ts';

/**
 * Microsoft's control szOID_CMC_ADD_ATTRIBUTES (MS-WCCE 3.2.1.4.2.1.4.8.2), in the form in which AD CS sends it:
 * SEQUENCE { dataReference BodyPartID, certReferences SEQUENCE OF BodyPartID, attributes SET OF Attribute }.
 */
export interface AddedAttributes {
  /** The certification requests, by body part, that the attributes are added to. */
  readonly certificationRequests: readonly number[];
  readonly attributes: readonly Attribute[];
}

export function encodeAddAttributes({ certificationRequests, attributes }: AddedAttributes): Uint8Array {
  return sequence(
    encodeBodyPartId(currentMessage),
    sequence(...certificationRequests.map(encodeBodyPartId)),
    setOf(attributes.map(encodeAttribute)),
  );
}

/** @throws CountersignError `DER_MALFORMED` */
export function readAddAttributes(der: Uint8Array): AddedAttributes {
  const reader = DerReader.sequence(der, 'CMC added attributes');
  if (readBodyPartId(reader) !== currentMessage) {
    throw reader.malformed('the attributes are added to a message within the message');
  }
  const references = reader.sequence();
  const certificationRequests: number[] = [];
  while (!references.done) certificationRequests.push(readBodyPartId(references));
  const attributes = reader.setOf().map(readAttribute);
  reader.end();
  return { certificationRequests, attributes };
}

/** RFC 5272 3.2.2: body part 0 is the message in which it is named. */
const currentMessage = 0;

function readAttribute(der: Uint8Array): Attribute {
  const reader = DerReader.sequence(der, 'CMC added attribute');
  const attribute = { type: reader.oid(), values: reader.setOf() };
  reader.end();
  return attribute;
}
