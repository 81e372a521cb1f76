import { DerReader } from '../asn1/der-reader.ts';
import { contextConstructed, tag } from '../asn1/tag.ts';
import { readExtensions, type Extension } from '../x509/extension.ts';
import { readGeneralName, type GeneralName } from '../x509/general-name.ts';
import { readCertId, type CertId } from './cert-id.ts';
import { findNonce } from './nonce.ts';

/** Requests come from anyone; this is room for some hundred certificates and a signature. */
const maxRequestBytes = 64 * 1024;

export interface RequestedStatus {
  readonly certId: CertId;
  readonly extensions: readonly Extension[];
}

/** An OCSP request (RFC 6960 4.1.1), parsed strictly. A signature on it is not verified. */
export class OcspRequest {
  readonly der: Uint8Array;
  readonly requestorName: GeneralName | undefined;
  readonly requested: readonly RequestedStatus[];
  readonly extensions: readonly Extension[];
  readonly nonce: Uint8Array | undefined;
  readonly isSigned: boolean;

  private constructor(der: Uint8Array) {
    this.der = der;
    const request = DerReader.sequence(der, 'OCSP request', maxRequestBytes);
    const tbs = request.sequence();
    // X.690 11.5: version v1 is the default and left out, and there is no other.
    if (tbs.at(contextConstructed(0)))
      throw tbs.malformed('the version is not 1, or stands where DER leaves it out');
    this.requestorName = tbs.at(contextConstructed(1)) ? readRequestorName(tbs.context(1)) : undefined;
    this.requested = readRequestList(tbs.sequence());
    this.extensions = readExplicitExtensions(tbs, 2);
    tbs.end();
    this.nonce = findNonce(this.extensions);
    this.isSigned = request.at(contextConstructed(0));
    if (this.isSigned) checkSignatureSyntax(request.context(0));
    request.end();
  }

  /**
   * @param der the request and nothing after it, at most 64 KiB
   * @throws CountersignError `DER_MALFORMED`, `INPUT_TOO_LARGE`
   */
  static parse(der: Uint8Array): OcspRequest {
    return new OcspRequest(der);
  }
}

/** `[n]` EXPLICIT Extensions OPTIONAL. */
export function readExplicitExtensions(reader: DerReader, n: number): Extension[] {
  if (!reader.at(contextConstructed(n))) return [];
  const explicit = reader.context(n);
  const extensions = readExtensions(explicit.sequence());
  explicit.end();
  return extensions;
}

function readRequestorName(explicit: DerReader): GeneralName {
  const name = readGeneralName(explicit);
  explicit.end();
  return name;
}

function readRequestList(list: DerReader): RequestedStatus[] {
  const requested: RequestedStatus[] = [];
  while (!list.done) {
    const request = list.sequence();
    const certId = readCertId(request);
    const extensions = readExplicitExtensions(request, 0);
    request.end();
    requested.push({ certId, extensions });
  }
  if (requested.length === 0) throw list.malformed('the request asks for no certificate');
  return requested;
}

function checkSignatureSyntax(explicit: DerReader): void {
  const signature = explicit.sequence();
  signature.any(tag.sequence);
  signature.octetAlignedBitString();
  readEnclosedCertificates(signature);
  signature.end();
  explicit.end();
}

/** `[0]` EXPLICIT SEQUENCE OF Certificate OPTIONAL: DER of each, well-formed and otherwise unread. */
export function readEnclosedCertificates(reader: DerReader): Uint8Array[] {
  if (!reader.at(contextConstructed(0))) return [];
  const explicit = reader.context(0);
  const list = explicit.sequence();
  explicit.end();
  const certificates: Uint8Array[] = [];
  while (!list.done) certificates.push(list.any(tag.sequence));
  return certificates;
}
