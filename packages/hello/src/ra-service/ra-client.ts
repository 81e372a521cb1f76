import {
  CertificationRequest,
  CountersignError,
  parseCertificatesOnly,
  parseSubjectAltName,
  userPrincipalNamesIn,
  type Certificate,
} from '@countersign/core';
import {
  exchange,
  MessageObject,
  messageMalformed,
  parseOAuthError,
  type HttpsClientOptions,
  type HttpsResponse,
} from '../https/index.ts';
import { signCertificateRequest } from './certificate-request-token.ts';
import { parseMetadata, type RaMetadata } from './metadata.ts';
import { challengeGrant, jwtBearerGrant, metadataPath } from './protocol.ts';
import { openResponse } from './session-key.ts';

export interface RaClientOptions extends HttpsClientOptions {
  /** `https://host:port` of the service. */
  readonly url: string;
  readonly clock?: () => Date;
}

export interface CertificateOrderFields {
  /** Whom the certificate is for. */
  readonly upn: string;
  /** PKCS#10, DER. */
  readonly csr: Uint8Array;
  /** Key receipt; sent to services that take receipts. */
  readonly krctx?: string | undefined;
  /** The user's primary refresh token, with the session key that came along with it. */
  readonly token: { readonly token: string; readonly sessionKey: Uint8Array };
}

export interface ReceivedCertificate {
  readonly certificate: Certificate;
  /** The others that came along, in no order; none is to be trusted for having come. */
  readonly others: readonly Certificate[];
}

/** OID of the subject alternative name (RFC 5280 4.2.1.6). */
const subjectAltName = '2.5.29.17';

/** A client of a registration authority. */
export class RaClient {
  readonly #options: RaClientOptions;
  readonly #clock: () => Date;

  constructor(options: RaClientOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => new Date());
  }

  /** @throws CountersignError `SERVICE_UNREACHABLE`, `SERVICE_REFUSED`, `MESSAGE_MALFORMED` */
  async metadata(): Promise<RaMetadata> {
    const url = new URL(metadataPath, this.#options.url);
    const response = await exchange(
      url,
      { method: 'GET', headers: { accept: 'application/json' } },
      this.#options,
    );
    assertDone(response);
    return parseMetadata(response.body, url);
  }

  /**
   * Asks for a certificate: metadata, a nonce, then the request.
   * @throws CountersignError `SERVICE_UNREACHABLE`; the service's refusal, such as `TOKEN_REJECTED`, `KEY_NOT_SYNCED`,
   *   `RECEIPT_EXPIRED`, and `SERVICE_REFUSED` for one that is unknown here; `MESSAGE_MALFORMED` for an answer that is
   *   none; `RESPONSE_MISMATCH` if the certificate is not for this key and user
   */
  async enroll({ upn, csr, krctx, token }: CertificateOrderFields): Promise<ReceivedCertificate> {
    const { tokenEndpoint, acceptsReceipts } = await this.metadata();
    const nonce = await this.#requestNonce(tokenEndpoint);
    const fields = { csr, krctx: acceptsReceipts ? krctx : undefined, nonce };
    const request = await signCertificateRequest(fields, token, this.#clock());
    const response = await this.#post(tokenEndpoint, { grant_type: jwtBearerGrant, request });
    const content = await openResponse(Buffer.from(response.body).toString('latin1'), token.sessionKey);
    const message = MessageObject.parse(content, 'certificate response');
    return selectCertificate(parseCertificatesOnly(message.base64('x5c')), csr, upn);
  }

  async #requestNonce(tokenEndpoint: URL): Promise<string> {
    const { body } = await this.#post(tokenEndpoint, { grant_type: challengeGrant });
    return MessageObject.parse(body, 'nonce response').string('Nonce');
  }

  async #post(url: URL, parameters: Readonly<Record<string, string>>): Promise<HttpsResponse> {
    const response = await exchange(
      url,
      {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(parameters).toString(),
      },
      this.#options,
    );
    assertDone(response);
    return response;
  }
}

function assertDone(response: HttpsResponse): void {
  if (response.status !== 200) throw parseOAuthError(response, 'registration authority');
}

/** MS-OAPXBC: the subject of x5c MUST match the identity that the refresh token stands for. */
function selectCertificate(
  certificates: readonly Certificate[],
  csr: Uint8Array,
  upn: string,
): ReceivedCertificate {
  const { publicKey } = CertificationRequest.parse(csr);
  const [certificate, ...more] = certificates.filter((candidate) => candidate.publicKey.equals(publicKey));
  if (certificate === undefined || more.length > 0) {
    throw messageMalformed(
      `the answer has ${certificate === undefined ? 'no' : 'more than one'} certificate for the key`,
    );
  }
  const names = certificate.extension(subjectAltName);
  const upns = names === undefined ? [] : userPrincipalNamesIn(parseSubjectAltName(names));
  if (upns.length !== 1 || upns[0]?.toLowerCase() !== upn.toLowerCase()) {
    throw new CountersignError(
      'RESPONSE_MISMATCH',
      `the certificate ${certificate.serialNumber} is for ${upns.join(', ') || 'nobody'}; expected ${upn}`,
      'Do not use it. Tell who runs the registration authority and the CA.',
    );
  }
  return { certificate, others: certificates.filter((other) => other !== certificate) };
}
