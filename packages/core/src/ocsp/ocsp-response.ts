import { DerReader } from '../asn1/der-reader.ts';
import { contextConstructed, tag } from '../asn1/tag.ts';
import type { PublicKey } from '../keys/public-key.ts';
import { oids } from '../object-identifiers.ts';
import type { Extension } from '../x509/extension.ts';
import { isSignedBy, type SignedStructure } from '../x509/signed-structure.ts';
import { findNonce } from './nonce.ts';
import { readEnclosedCertificates, readExplicitExtensions } from './ocsp-request.ts';
import { readResponderId, type ResponderId } from './responder-id.ts';
import { ocspStatusOf, type OcspResponseStatus } from './response-status.ts';
import { readSingleResponse, type SingleResponse } from './single-response.ts';

/** An OCSP response (RFC 6960 4.2.1), parsed strictly and not verified. */
export class OcspResponse {
  readonly der: Uint8Array;
  readonly status: OcspResponseStatus;
  /** Present if and only if the status is `successful`. */
  readonly basic: BasicOcspResponse | undefined;

  private constructor(der: Uint8Array) {
    this.der = der;
    const response = DerReader.sequence(der, 'OCSP response');
    const code = response.smallInteger(tag.enumerated);
    const status = ocspStatusOf(code);
    if (status === undefined) throw response.malformed(`the response status ${code} does not exist`);
    this.status = status;
    // 4.2.1: an error has no responseBytes, and success is nothing without them.
    this.basic = status === 'successful' ? readResponseBytes(response.context(0)) : undefined;
    response.end();
  }

  /**
   * @param der the response and nothing after it
   * @throws CountersignError `DER_MALFORMED`, `INPUT_TOO_LARGE`
   */
  static parse(der: Uint8Array): OcspResponse {
    return new OcspResponse(der);
  }
}

/** BasicOCSPResponse: the type of response that every client and responder knows (RFC 6960 4.2.1, 4.3). */
export class BasicOcspResponse {
  readonly #signed: SignedStructure;
  readonly responderId: ResponderId;
  readonly producedAt: Date;
  readonly responses: readonly SingleResponse[];
  readonly extensions: readonly Extension[];
  readonly nonce: Uint8Array | undefined;
  /** DER of what is enclosed as certificates, outside the signature. */
  readonly certificates: readonly Uint8Array[];

  constructor(der: Uint8Array) {
    const outer = DerReader.sequence(der, 'OCSP response');
    const toBeSigned = outer.element(tag.sequence);
    const signatureAlgorithm = outer.any(tag.sequence);
    this.#signed = { der, toBeSigned, signatureAlgorithm, signature: outer.octetAlignedBitString() };
    this.certificates = readEnclosedCertificates(outer);
    outer.end();

    const data = DerReader.sequence(toBeSigned, 'OCSP response');
    // X.690 11.5: version v1 is the default and left out, and there is no other.
    if (data.at(contextConstructed(0)))
      throw data.malformed('the version is not 1, or stands where DER leaves it out');
    this.responderId = readResponderId(data);
    this.producedAt = data.generalizedTime();
    this.responses = readResponses(data.sequence());
    this.extensions = readExplicitExtensions(data, 1);
    data.end();
    this.nonce = findNonce(this.extensions);
  }

  /** Whether this key made the signature, whoever it belongs to. */
  isSignedBy(publicKey: PublicKey): boolean {
    return isSignedBy(this.#signed, publicKey);
  }
}

function readResponseBytes(explicit: DerReader): BasicOcspResponse {
  const responseBytes = explicit.sequence();
  explicit.end();
  const type = responseBytes.oid();
  if (type !== oids.ocspBasic) throw responseBytes.malformed(`the response type ${type} is unknown here`);
  const response = responseBytes.octetString();
  responseBytes.end();
  return new BasicOcspResponse(response);
}

function readResponses(list: DerReader): SingleResponse[] {
  const responses: SingleResponse[] = [];
  while (!list.done) responses.push(readSingleResponse(list));
  if (responses.length === 0) throw list.malformed('the response says nothing of any certificate');
  return responses;
}
