import { createCertificatesOnly } from '@countersign/core';
import {
  formatOAuthError,
  hasMediaType,
  messageMalformed,
  parameterRefused,
  refuseOAuth,
  refused,
  requireParameter,
  startHttpsService,
  tellable,
  type HttpsService,
  type HttpsServiceOptions,
  type ServiceHandler,
  type ServiceRequest,
  type ServiceResponse,
} from '../https/index.ts';
import { Nonces, type PrimaryRefreshTokenTrust } from '../tokens/index.ts';
import { CertificateEnrollment, type CertificateEnrollmentOptions } from './certificate-enrollment.ts';
import { verifyCertificateRequest } from './certificate-request-token.ts';
import { formatMetadata } from './metadata.ts';
import { certificateScope, challengeGrant, jwtBearerGrant, metadataPath, tokenPath } from './protocol.ts';
import { sealResponse } from './session-key.ts';

export type RaServiceOptions = CertificateEnrollmentOptions &
  HttpsServiceOptions & {
    /** Whose primary refresh tokens are taken. */
    readonly tokens: PrimaryRefreshTokenTrust;
  };

/**
 * Starts a registration authority that is asked as AD FS is (MS-OAPXBC): OpenID metadata, nonces, and certificates.
 * @throws CountersignError `SERVICE_UNREACHABLE` if it cannot listen, and as core's `RegistrationAuthority` does
 */
export async function startRaService(options: RaServiceOptions): Promise<HttpsService> {
  const enrollment = new CertificateEnrollment(options);
  return startHttpsService((url) => new RaHandler(options, enrollment, url), options);
}

class RaHandler implements ServiceHandler {
  readonly #tokens: PrimaryRefreshTokenTrust;
  readonly #enrollment: CertificateEnrollment;
  readonly #url: string;
  readonly #clock: () => Date;
  readonly #nonces: Nonces;

  constructor(options: RaServiceOptions, enrollment: CertificateEnrollment, url: string) {
    this.#tokens = options.tokens;
    this.#enrollment = enrollment;
    this.#url = url;
    this.#clock = options.clock ?? (() => new Date());
    this.#nonces = new Nonces(this.#clock);
  }

  async handle(request: ServiceRequest): Promise<ServiceResponse> {
    const { method, url } = request;
    if (url.pathname === metadataPath && method === 'GET') {
      return { status: 200, body: formatMetadata(this.#url, this.#enrollment.acceptsReceipts) };
    }
    if (url.pathname !== tokenPath) {
      return refuseOAuth(404, refused('there is nothing at this path', `Ask ${metadataPath} for the paths.`));
    }
    if (method !== 'POST') {
      return refuseOAuth(405, refused(`the method ${method} is not served here`, 'Use POST.'), {
        allow: 'POST',
      });
    }
    if (!hasMediaType(request, 'application/x-www-form-urlencoded')) {
      return refuseOAuth(415, messageMalformed('the content type is not application/x-www-form-urlencoded'));
    }
    const parameters = new URLSearchParams(Buffer.from(request.body).toString('utf8'));
    switch (requireParameter(parameters, 'grant_type')) {
      case challengeGrant:
        return { status: 200, body: JSON.stringify({ Nonce: this.#nonces.issue() }) };
      case jwtBearerGrant:
        return this.#enroll(requireParameter(parameters, 'request'));
      default:
        throw parameterRefused('unsupported_grant_type', 'the grant_type is not one that is served here');
    }
  }

  refuse(error: unknown): ServiceResponse {
    const { status, body } = formatOAuthError(error);
    return { status: tellable(error).code === 'INPUT_TOO_LARGE' ? 413 : status, body };
  }

  async #enroll(request: string): Promise<ServiceResponse> {
    const { csr, krctx, nonce, token } = await verifyCertificateRequest(request, this.#tokens, this.#clock());
    try {
      this.#nonces.redeem(nonce);
      const { upn, sid } = token;
      const { chain } = await this.#enrollment.enroll({ upn, sid, csr, krctx });
      const content = {
        token_type: 'bearer',
        x5c: Buffer.from(createCertificatesOnly(chain)).toString('base64'),
        scope: `aza openid ${certificateScope}`,
        expires_in: 0,
      };
      const body = await sealResponse(content, token.sessionKey);
      return { status: 200, headers: { 'content-type': 'application/jose' }, body };
    } finally {
      token.sessionKey.fill(0);
    }
  }
}
