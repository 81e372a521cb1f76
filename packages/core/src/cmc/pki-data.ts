import { DerReader } from '../asn1/der-reader.ts';
import { context, sequence } from '../asn1/der-writer.ts';
import { contextConstructed, tag } from '../asn1/tag.ts';
import { oids } from '../object-identifiers.ts';
import {
  assertBodyPartsDistinct,
  encodeBodyPartId,
  encodeControl,
  readBodyPartId,
  readControls,
  type Control,
} from './control.ts';

/** The content of a full PKI request (RFC 5272 3.2.1) with exactly one certification request, a PKCS#10. */
export interface PkiData {
  readonly controls: readonly Control[];
  /** The body part that the certification request is. */
  readonly bodyPartId: number;
  /** PKCS#10, DER. */
  readonly certificationRequest: Uint8Array;
}

export function encodePkiData({ controls, bodyPartId, certificationRequest }: PkiData): Uint8Array {
  const taggedCertificationRequest = context(0, encodeBodyPartId(bodyPartId), certificationRequest);
  return sequence(
    sequence(...controls.map(encodeControl)),
    sequence(taggedCertificationRequest),
    sequence(),
    sequence(),
  );
}

/** @throws CountersignError `DER_MALFORMED`, `CONTROL_NOT_PROCESSED` */
export function readPkiData(der: Uint8Array): PkiData {
  const reader = DerReader.sequence(der, 'CMC request');
  const controls = readControls(reader.sequence(), processedControls);
  const reqSequence = reader.sequence();
  if (!reqSequence.at(contextConstructed(0))) {
    throw reqSequence.malformed('no PKCS#10 certification request stands where one was expected');
  }
  const tagged = reqSequence.context(0);
  const bodyPartId = readBodyPartId(tagged);
  const certificationRequest = tagged.element(tag.sequence);
  tagged.end();
  // MS-WCCE 3.2.2.6.2.1.2.1.2: exactly one certification request.
  if (!reqSequence.done) throw reqSequence.malformed('more than one certification request stands there');
  // Messages within the message would be neither read nor answered, so they have no business here.
  for (const name of ['cmsSequence', 'otherMsgSequence']) {
    if (!reader.sequence().done) throw reader.malformed(`${name} is not empty`);
  }
  reader.end();
  assertBodyPartsDistinct([bodyPartId, ...controls.map((control) => control.bodyPartId)], reader);
  return { controls, bodyPartId, certificationRequest };
}

const processedControls: ReadonlySet<string> = new Set([
  oids.cmcTransactionId,
  oids.cmcSenderNonce,
  oids.cmcRegInfo,
  oids.cmcAddAttributes,
]);
