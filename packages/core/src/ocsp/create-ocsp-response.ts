import {
  bitString,
  context,
  element,
  generalizedTime,
  octetString,
  oid,
  sequence,
  sequenceOf,
} from '../asn1/der-writer.ts';
import { tag } from '../asn1/tag.ts';
import { CountersignError } from '../errors.ts';
import type { Key } from '../keys/key-provider.ts';
import { signatureAlgorithmIdentifier } from '../keys/signature-algorithm.ts';
import type { SignatureScheme } from '../keys/signature-scheme.ts';
import { oids } from '../object-identifiers.ts';
import type { Certificate } from '../x509/certificate.ts';
import { encodeExtensions } from '../x509/extension.ts';
import { nonceExtension } from './nonce.ts';
import { encodeResponderId, type Responder, type ResponderId } from './responder-id.ts';
import { ocspResponseStatusCodes, type OcspErrorStatus } from './response-status.ts';
import { encodeSingleResponse, type SingleResponseFields } from './single-response.ts';

export interface OcspResponseFields {
  /** Whose key signs. */
  readonly responder: Responder;
  /** `byKey` if absent: shorter, and never two that share it. */
  readonly responderId?: ResponderId['kind'];
  readonly producedAt: Date;
  /** One or more. */
  readonly responses: readonly SingleResponseFields[];
  /** The request's, if it had one. */
  readonly nonce?: Uint8Array;
  /** A delegated responder's own certificate; a CA that signs itself encloses none. */
  readonly certificates?: readonly Certificate[];
}

/**
 * Signs a basic OCSP response (RFC 6960 4.2.1).
 * @returns OCSPResponse with the status `successful`, DER
 */
export async function createOcspResponse(
  key: Key,
  scheme: SignatureScheme,
  fields: OcspResponseFields,
): Promise<Uint8Array> {
  const { responder, responderId = 'byKey', producedAt, responses, nonce, certificates = [] } = fields;
  if (responses.length === 0) {
    throw new CountersignError(
      'VALUE_OUT_OF_RANGE',
      'the response says nothing of any certificate; expected one status or more',
      'Answer what was asked, or answer with an error status.',
    );
  }
  const responseData = sequence(
    encodeResponderId(responderId, responder),
    generalizedTime(producedAt),
    sequenceOf(responses.map(encodeSingleResponse)),
    ...(nonce === undefined ? [] : [context(1, encodeExtensions([nonceExtension(nonce)]))]),
  );
  const signature = await key.sign(scheme, responseData);
  const basicResponse = sequence(
    responseData,
    signatureAlgorithmIdentifier(scheme),
    bitString(signature),
    ...(certificates.length === 0 ? [] : [context(0, sequenceOf(certificates.map(({ der }) => der)))]),
  );
  return sequence(
    encodeStatus(ocspResponseStatusCodes.successful),
    context(0, sequence(oid(oids.ocspBasic), octetString(basicResponse))),
  );
}

/** An unsigned OCSPResponse that declines to answer, DER. */
export function createOcspErrorResponse(status: OcspErrorStatus): Uint8Array {
  return sequence(encodeStatus(ocspResponseStatusCodes[status]));
}

function encodeStatus(code: number): Uint8Array {
  return element(tag.enumerated, Uint8Array.of(code));
}
