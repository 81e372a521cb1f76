import { randomUUID } from 'node:crypto';
import { CountersignError, PublicKey } from '@countersign/core';
import { exchange, type HttpsClientOptions, type HttpsResponse } from '../https/index.ts';
import { parseKeySet, type TokenKeys } from '../tokens/index.ts';
import { encodeNgcKey } from './ngc-key.ts';
import {
  apiVersion,
  formatKeyRequest,
  keyPath,
  parseErrorBody,
  parseKeyResponse,
  receiptKeysPath,
} from './protocol.ts';
import type { KeyRegistration } from './register-key.ts';

export interface RegistrationClientOptions extends HttpsClientOptions {
  /** `https://host:port` of the service. */
  readonly url: string;
}

/** A client of a key registration service. */
export class RegistrationClient {
  readonly #options: RegistrationClientOptions;

  constructor(options: RegistrationClientOptions) {
    this.#options = options;
  }

  /**
   * Registers a public key for the user whom the token is for.
   * @param publicKey SubjectPublicKeyInfo, DER
   * @param accessToken JWT in JWS compact form
   * @throws CountersignError `SERVICE_UNREACHABLE`; the service's refusal, such as `TOKEN_REJECTED`, `MFA_REQUIRED`,
   *   `USER_NOT_FOUND`, `KEY_REGISTERED_TO_ANOTHER`, `KEY_HAS_ROCA`, and `SERVICE_REFUSED` for one that is unknown here;
   *   `MESSAGE_MALFORMED` for an answer that is none; `RESPONSE_MISMATCH`
   */
  async register(publicKey: Uint8Array, accessToken: string): Promise<KeyRegistration> {
    const url = this.#urlOf(keyPath);
    url.searchParams.set('api-version', apiVersion);
    const clientRequestId = randomUUID();
    const response = await exchange(
      url,
      {
        method: 'POST',
        headers: {
          authorization: `Bearer ${accessToken}`,
          accept: 'application/json',
          'content-type': 'application/json',
          'client-request-id': clientRequestId,
          'return-client-request-id': 'true',
        },
        body: formatKeyRequest(encodeNgcKey(PublicKey.parse(publicKey))),
      },
      this.#options,
    );
    assertDone(response);
    assertAnswers(response, clientRequestId);
    return parseKeyResponse(response.body);
  }

  /**
   * The keys that sign the service's receipts.
   * @throws CountersignError `SERVICE_UNREACHABLE`, `SERVICE_REFUSED`, `MESSAGE_MALFORMED`
   */
  async receiptKeys(): Promise<TokenKeys> {
    const headers = { accept: 'application/jwk-set+json, application/json' };
    const response = await exchange(this.#urlOf(receiptKeysPath), { method: 'GET', headers }, this.#options);
    assertDone(response);
    return parseKeySet(response.body);
  }

  #urlOf(path: string): URL {
    return new URL(path, this.#options.url);
  }
}

function assertDone(response: HttpsResponse): void {
  if (response.status !== 200) throw parseErrorBody(response);
}

/** MS-KPP 2.2.1: who asks for it gets the identifier of its request back. */
function assertAnswers({ headers }: HttpsResponse, clientRequestId: string): void {
  const returned = headers['client-request-id'];
  if (returned === undefined || returned === clientRequestId) return;
  throw new CountersignError(
    'RESPONSE_MISMATCH',
    'the registration service answered another request than the one that was sent',
    'Try again; look for something between client and service that mixes answers up.',
  );
}
