import type { Ledger, LedgerEntry } from '../ca/ledger.ts';
import { CountersignError } from '../errors.ts';
import type { Key } from '../keys/key-provider.ts';
import { preferredScheme } from '../keys/preferred-scheme.ts';
import { PublicKey } from '../keys/public-key.ts';
import type { SignatureScheme } from '../keys/signature-scheme.ts';
import { oids } from '../object-identifiers.ts';
import type { Certificate } from '../x509/certificate.ts';
import { namesMatch } from '../x509/name-matching.ts';
import type { RevocationReason } from '../x509/revocation-reason.ts';
import { namesIssuer, type CertId } from './cert-id.ts';
import { createOcspErrorResponse, createOcspResponse } from './create-ocsp-response.ts';
import { assertIsDelegate } from './delegated-responder.ts';
import { OcspRequest } from './ocsp-request.ts';
import type { ResponderId } from './responder-id.ts';
import type { OcspErrorStatus, OcspResponseStatus } from './response-status.ts';
import type { CertificateStatus, SingleResponseFields } from './single-response.ts';

export interface OcspResponderOptions {
  /** The key that signs responses, unlocked. */
  readonly key: Key;
  /** Its certificate: the CA's own, or one with the profile `ocsp-responder` from that CA. */
  readonly certificate: Certificate;
  /** The CA whose certificates the ledger records. */
  readonly issuer: Certificate;
  readonly ledger: Pick<Ledger, 'find'>;
  readonly responderId?: ResponderId['kind'];
  /** For how long a response is good, an hour if absent. */
  readonly validityMs?: number;
  /** The key's first choice if absent. */
  readonly scheme?: SignatureScheme;
  readonly clock?: () => Date;
}

export interface OcspAnswer {
  /** OCSPResponse, DER: what goes back to the client. */
  readonly der: Uint8Array;
  readonly status: OcspResponseStatus;
  /** Why the status is not `successful`: for the log, never for the client. */
  readonly error: unknown;
}

/** Answers OCSP requests about the certificates of one CA from that CA's ledger (RFC 6960). */
export class OcspResponder {
  readonly #options: OcspResponderOptions;
  readonly #scheme: SignatureScheme;
  readonly #validityMs: number;
  readonly #clock: () => Date;

  /**
   * @throws CountersignError `CERTIFICATE_KEY_MISMATCH`, `CERTIFICATE_NOT_TRUSTED`, `PURPOSE_NOT_PERMITTED`,
   *   `EXTENSION_NOT_PROCESSED`; `SCHEME_NOT_SUPPORTED` if the key cannot sign
   */
  constructor(options: OcspResponderOptions) {
    this.#options = options;
    this.#scheme = options.scheme ?? preferredScheme(options.key);
    this.#validityMs = options.validityMs ?? 3_600_000;
    this.#clock = options.clock ?? (() => new Date());
    assertCertifies(options.certificate, options.key);
    if (this.#isDelegated) assertIsDelegate(options.certificate, options.issuer);
  }

  /**
   * Answers a request. It never throws: whatever goes wrong becomes an error response.
   * @param request OCSPRequest, DER
   */
  async respond(request: Uint8Array): Promise<OcspAnswer> {
    let parsed: OcspRequest;
    try {
      parsed = OcspRequest.parse(request);
    } catch (error) {
      return refusal('malformedRequest', error);
    }
    const reason = this.#whyNotServed(parsed);
    if (reason !== undefined) return refusal('unauthorized', notServed(reason));
    try {
      return await this.#answer(parsed);
    } catch (error) {
      const isPassing = error instanceof CountersignError && error.code === 'LEDGER_UNAVAILABLE';
      return refusal(isPassing ? 'tryLater' : 'internalError', error);
    }
  }

  /** Declined before the ledger or the key has had any work with it (RFC 6960 2.3, RFC 5019 2.2.3). */
  #whyNotServed({ requested, extensions }: OcspRequest): string | undefined {
    if (requested.length > maxRequested) {
      return `asks for ${requested.length} certificates; at most ${maxRequested} are answered at once`;
    }
    const all = [extensions, ...requested.map((request) => request.extensions)].flat();
    const unknown = all.find(({ critical, oid }) => critical && oid !== oids.ocspNonce);
    if (unknown !== undefined) return `has the critical extension ${unknown.oid}, which is unknown here`;
    const isOurs = requested.some(({ certId }) => namesIssuer(certId, this.#options.issuer));
    return isOurs ? undefined : 'asks for certificates of other issuers only';
  }

  async #answer({ requested, nonce }: OcspRequest): Promise<OcspAnswer> {
    const { key, certificate, responderId } = this.#options;
    const now = this.#clock();
    certificate.assertValidAt(now, 'OCSP responder');
    const responses: SingleResponseFields[] = [];
    for (const { certId } of requested) responses.push(await this.#statusOf(certId, now));
    const der = await createOcspResponse(key, this.#scheme, {
      responder: certificate,
      producedAt: now,
      responses,
      certificates: this.#isDelegated ? [certificate] : [],
      ...(responderId && { responderId }),
      ...(nonce && { nonce }),
    });
    return { der, status: 'successful', error: undefined };
  }

  async #statusOf(certId: CertId, now: Date): Promise<SingleResponseFields> {
    const { certificate, issuer, ledger } = this.#options;
    const entry = namesIssuer(certId, issuer) ? await ledger.find(certId.serialNumber) : undefined;
    // Whoever signed must still be able to when the response is looked at.
    const end = Math.min(now.getTime() + this.#validityMs, certificate.notAfter.getTime());
    return { certId, status: statusIn(entry), thisUpdate: now, nextUpdate: new Date(end) };
  }

  get #isDelegated(): boolean {
    const { certificate, issuer } = this.#options;
    return (
      !certificate.publicKey.equals(issuer.publicKey) || !namesMatch(certificate.subject, issuer.subject)
    );
  }
}

/**
 * A serial number that was never issued is unknown. RFC 6960 2.2 would also let a responder call it revoked (on hold
 * since 1970), which is for CAs that fear certificates outside their records; here nothing leaves the CA unrecorded, and
 * a client that meets "unknown" may still ask elsewhere. A reserved serial number becomes a certificate's when the
 * ledger has recorded it.
 */
function statusIn(entry: LedgerEntry | undefined): CertificateStatus<RevocationReason> {
  if (entry?.revocation !== undefined) return { kind: 'revoked', ...entry.revocation };
  return { kind: entry?.certificate === undefined ? 'unknown' : 'good' };
}

/** More than this in one request is an attempt to keep ledger and key busy. */
const maxRequested = 64;

function refusal(status: OcspErrorStatus, error: unknown): OcspAnswer {
  return { der: createOcspErrorResponse(status), status, error };
}

function notServed(reason: string): CountersignError {
  return new CountersignError(
    'REVOCATION_UNKNOWN',
    `the OCSP request ${reason}`,
    'Ask the responder that the certificate names, for few certificates at once.',
  );
}

function assertCertifies(certificate: Certificate, key: Key): void {
  if (PublicKey.parse(key.publicKey).equals(certificate.publicKey)) return;
  throw new CountersignError(
    'CERTIFICATE_KEY_MISMATCH',
    `the certificate ${certificate.serialNumber} given to the OCSP responder does not certify the key ${key.ref}`,
    "Give the key's own certificate.",
  );
}
