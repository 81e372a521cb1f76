import type { DirectoryUser } from '@countersign/core';
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
import { assertFresh, type MultiFactorVerifier } from '../mfa/index.ts';
import { Nonces, tokenRejected, type TokenIssuer } from '../tokens/index.ts';
import type { DeviceRegistry } from './device-registry.ts';
import { verifyDeviceRequest } from './device-request.ts';
import { challengeGrant, jwtBearerGrant, metadataPath, tokenPath } from './protocol.ts';

export type IdentityServiceOptions = HttpsServiceOptions & {
  /** Signs the tokens. */
  readonly tokens: TokenIssuer;
  /** Who the users are, and what SIDs they have on premises. */
  readonly directory: { findByUpn(upn: string): Promise<DirectoryUser | undefined> };
  readonly devices: DeviceRegistry;
  readonly verifier: MultiFactorVerifier;
  /** Whom the access tokens are for: the registration service. */
  readonly registrationAudience: string;
  /** Whom the primary refresh tokens are for, and with what they are sealed: the registration authority. */
  readonly enrollment: { readonly audience: string; readonly sealingKey: Uint8Array };
  readonly clock?: () => Date;
};

/**
 * Starts the identity provider of an organization on trial: users on joined devices give a second factor, and get the
 * tokens that registering a key and enrolling for a certificate take. Where there is a real one, that takes its place.
 * @throws CountersignError `SERVICE_UNREACHABLE` if it cannot listen
 */
export async function startIdentityService(options: IdentityServiceOptions): Promise<HttpsService> {
  return startHttpsService((url) => new IdentityHandler(options, url), {
    maxBodyBytes: 16 * 1024,
    ...options,
  });
}

class IdentityHandler implements ServiceHandler {
  readonly #options: IdentityServiceOptions;
  readonly #url: string;
  readonly #clock: () => Date;
  readonly #nonces: Nonces;

  constructor(options: IdentityServiceOptions, url: string) {
    this.#options = options;
    this.#url = url;
    this.#clock = options.clock ?? (() => new Date());
    this.#nonces = new Nonces(this.#clock);
  }

  async handle(request: ServiceRequest): Promise<ServiceResponse> {
    const { method, url } = request;
    if (url.pathname === metadataPath && method === 'GET') {
      const { issuer } = this.#options.tokens;
      return {
        status: 200,
        body: JSON.stringify({ issuer, token_endpoint: `${this.#url}${tokenPath}` }),
      };
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
        return this.#signIn(requireParameter(parameters, 'request'));
      default:
        throw parameterRefused('unsupported_grant_type', 'the grant_type is not one that is served here');
    }
  }

  refuse(error: unknown): ServiceResponse {
    const { status, body } = formatOAuthError(error);
    return { status: tellable(error).code === 'INPUT_TOO_LARGE' ? 413 : status, body };
  }

  async #signIn(request: string): Promise<ServiceResponse> {
    const { tokens, directory, devices, verifier, registrationAudience, enrollment } = this.#options;
    const now = this.#clock();
    const { deviceId, upn, answer, nonce } = await verifyDeviceRequest(request, devices, tokens.issuer, now);
    try {
      this.#nonces.redeem(nonce);
      const user = await directory.findByUpn(upn);
      if (user === undefined) throw tokenRejected(`the directory has no user ${upn}`);
      const proof = await verifier.verify(user.upn, answer);
      assertFresh(proof, user.upn, this.#clock());
      // RFC 8176: possession of the device's key, what the user gave, and that these are several.
      const methods = ['pop', proof.method, 'mfa', 'ngcmfa'];
      const signIn = { upn: user.upn, deviceId, methods, at: proof.at };
      const accessToken = await tokens.issueAccessToken(signIn, registrationAudience);
      const { token, sessionKey } = await tokens.issuePrimaryRefreshToken(
        { ...signIn, sid: user.sid },
        enrollment.audience,
        enrollment.sealingKey,
      );
      const body = JSON.stringify({
        token_type: 'pop',
        access_token: accessToken,
        refresh_token: token,
        session_key: Buffer.from(sessionKey).toString('base64'),
        upn: user.upn,
      });
      sessionKey.fill(0);
      return { status: 200, body };
    } finally {
      answer.fill(0);
    }
  }
}
