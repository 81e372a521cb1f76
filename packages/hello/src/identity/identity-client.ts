import { CountersignError, type Key } from '@countersign/core';
import {
  exchange,
  MessageObject,
  parseOAuthError,
  type HttpsClientOptions,
  type HttpsResponse,
} from '../https/index.ts';
import { signDeviceRequest } from './device-request.ts';
import { challengeGrant, jwtBearerGrant, metadataPath } from './protocol.ts';

export interface IdentityClientOptions extends HttpsClientOptions {
  /** `https://host:port` of the service. */
  readonly url: string;
  /** The device that asks, with its key, unlocked. */
  readonly device: { readonly deviceId: string; readonly key: Key };
  readonly clock?: () => Date;
}

/** What an identity provider gives a user who gave a second factor. */
export interface IssuedTokens {
  readonly upn: string;
  /** For the registration service. */
  readonly accessToken: string;
  /** For the registration authority. The session key is secret: the receiver wipes it. */
  readonly primaryRefreshToken: { readonly token: string; readonly sessionKey: Uint8Array };
}

/** A client of an identity provider, on a joined device. */
export class IdentityClient {
  readonly #options: IdentityClientOptions;
  readonly #clock: () => Date;

  constructor(options: IdentityClientOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => new Date());
  }

  /**
   * @param answer to the second factor; wiped by the caller
   * @throws CountersignError `SERVICE_UNREACHABLE`; the service's refusal, such as `MFA_FAILED` and `TOKEN_REJECTED`;
   *   `MESSAGE_MALFORMED` for an answer that is none; `RESPONSE_MISMATCH` if the tokens are for somebody else
   */
  async signIn(upn: string, answer: Uint8Array): Promise<IssuedTokens> {
    const { deviceId, key } = this.#options.device;
    const { issuer, tokenEndpoint } = await this.#metadata();
    const challenge = await this.#post(tokenEndpoint, { grant_type: challengeGrant });
    const nonce = MessageObject.parse(challenge.body, 'nonce response').string('Nonce');
    const fields = { deviceId, upn, answer, nonce };
    const request = await signDeviceRequest(key, fields, issuer, this.#clock());
    const { body } = await this.#post(tokenEndpoint, { grant_type: jwtBearerGrant, request });
    const message = MessageObject.parse(body, 'token response');
    const tokens = {
      upn: message.string('upn'),
      accessToken: message.string('access_token'),
      primaryRefreshToken: {
        token: message.string('refresh_token'),
        sessionKey: message.base64('session_key'),
      },
    };
    if (tokens.upn.toLowerCase() === upn.toLowerCase()) return tokens;
    throw new CountersignError(
      'RESPONSE_MISMATCH',
      `the identity provider answered with tokens of ${tokens.upn}, not of ${upn}`,
      'Do not use them. Tell who runs the identity provider.',
    );
  }

  /** Whether it can be reached, and what it calls itself. @throws CountersignError as `signIn` */
  async #metadata(): Promise<{ readonly issuer: string; readonly tokenEndpoint: URL }> {
    const url = new URL(metadataPath, this.#options.url);
    const response = await exchange(
      url,
      { method: 'GET', headers: { accept: 'application/json' } },
      this.#options,
    );
    assertDone(response);
    const metadata = MessageObject.parse(response.body, 'OpenID metadata');
    const endpoint = metadata.string('token_endpoint');
    // A second factor goes there: to the service that was asked, and nowhere else.
    if (URL.canParse(endpoint) && new URL(endpoint).origin === url.origin) {
      return { issuer: metadata.string('issuer'), tokenEndpoint: new URL(endpoint) };
    }
    throw new CountersignError(
      'SERVICE_REFUSED',
      `the identity provider names a token endpoint that is not its own: ${JSON.stringify(endpoint.slice(0, 100))}`,
      'Check the address of the service.',
    );
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
  if (response.status !== 200) throw parseOAuthError(response, 'identity provider');
}
