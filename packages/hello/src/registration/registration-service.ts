import { randomUUID } from 'node:crypto';
import {
  hasMediaType,
  messageMalformed,
  refused,
  startHttpsService,
  tellable,
  type HttpsService,
  type HttpsServiceOptions,
  type RefusalCode,
  type ServiceHandler,
  type ServiceRequest,
  type ServiceResponse,
} from '../https/index.ts';
import { createKeySet, isGuid } from '../tokens/index.ts';
import {
  apiVersion,
  bearerToken,
  formatErrorBody,
  keyPath,
  parseKeyRequest,
  receiptKeysPath,
} from './protocol.ts';
import { KeyRegistrations, type KeyRegistrationOptions } from './register-key.ts';

export type RegistrationServiceOptions = KeyRegistrationOptions & HttpsServiceOptions;

/**
 * Starts the key registration service of a cloud directory (MS-KPP): `POST /EnrollmentServer/key?api-version=1.0`, and
 * `GET /EnrollmentServer/receipt-keys` for the keys that sign its receipts.
 * @throws CountersignError `SERVICE_UNREACHABLE` if it cannot listen
 */
export async function startRegistrationService(options: RegistrationServiceOptions): Promise<HttpsService> {
  return startHttpsService(() => new RegistrationHandler(options), { maxBodyBytes: 16 * 1024, ...options });
}

class RegistrationHandler implements ServiceHandler {
  readonly #registrations: KeyRegistrations;
  readonly #clock: () => Date;

  constructor(options: RegistrationServiceOptions) {
    this.#registrations = new KeyRegistrations(options);
    this.#clock = options.clock ?? (() => new Date());
  }

  async handle(request: ServiceRequest): Promise<ServiceResponse> {
    const { method, headers, url } = request;
    // MS-KPP and its clients differ in whether the path ends in a slash.
    const path = url.pathname.replace(/\/$/u, '');
    if (path === receiptKeysPath && method === 'GET') return this.#receiptKeys();
    if (path !== keyPath)
      return this.#refuseAs(404, refused('there is nothing at this path', `Ask ${keyPath}.`), request);
    if (method !== 'POST') {
      const refusal = refused(`the method ${method} is not served here`, 'Use POST.');
      return this.#refuseAs(405, refusal, request, { allow: 'POST' });
    }
    if (!hasMediaType(request, 'application/json')) {
      return this.#refuseAs(415, messageMalformed('the content type is not application/json'), request);
    }
    // The order of MS-KPP 3.1.5.1.1.3: parameters, then the token, then the directory.
    assertApiVersion(request);
    assertAcceptsJson(headers.accept);
    const ngcKey = parseKeyRequest(request.body);
    const accessToken = await this.#registrations.authenticate(bearerToken(headers.authorization));
    const registration = await this.#registrations.register(accessToken, ngcKey);
    return { status: 200, headers: requestIds(headers), body: JSON.stringify(registration) };
  }

  refuse(error: unknown, headers: ServiceRequest['headers'], url: URL): ServiceResponse {
    return this.#refuseAs(statuses[tellable(error).code] ?? 400, error, { headers, url });
  }

  async #receiptKeys(): Promise<ServiceResponse> {
    const keySet = await createKeySet(this.#registrations.receiptKeys);
    return {
      status: 200,
      headers: { 'content-type': 'application/jwk-set+json' },
      body: JSON.stringify(keySet),
    };
  }

  #refuseAs(
    status: number,
    error: unknown,
    { headers, url }: Pick<ServiceRequest, 'headers' | 'url'>,
    more: Readonly<Record<string, string>> = {},
  ): ServiceResponse {
    const body = formatErrorBody(error, {
      target: url.pathname,
      clientRequestId: clientRequestId(headers),
      at: this.#clock(),
    });
    // RFC 9110 11.6.1: 401 always says how to authenticate.
    const challenge = status === 401 ? { 'www-authenticate': 'Bearer error="invalid_token"' } : {};
    return { status, headers: { ...requestIds(headers), ...challenge, ...more }, body };
  }
}

/** MS-KPP 3.1.5.1.1.3: 401 for what is wrong with the token, 400 for all that is not here. */
const statuses: Readonly<Partial<Record<RefusalCode, number>>> = {
  TOKEN_REJECTED: 401,
  MFA_REQUIRED: 401,
  INPUT_TOO_LARGE: 413,
  SERVICE_REFUSED: 500,
};

/** In the query or in a header, and not in both (MS-KPP 2.2.1). */
function assertApiVersion({ url, headers }: ServiceRequest): void {
  const header = headers['api-version'];
  const given = [...url.searchParams.getAll('api-version'), ...(header === undefined ? [] : [header].flat())];
  if (given.length === 1 && given[0] === apiVersion) return;
  const found =
    given.length === 1 ? `is ${JSON.stringify(given[0]?.slice(0, 20))}` : `is given ${given.length} times`;
  throw messageMalformed(`the api-version ${found}; expected ${apiVersion}, once`);
}

function assertAcceptsJson(accept: string | undefined): void {
  const types = (accept ?? '').split(',').map((type) => type.split(';')[0]?.trim().toLowerCase());
  if (types.some((type) => type === 'application/json' || type === 'application/*' || type === '*/*')) return;
  throw messageMalformed('the client does not accept application/json');
}

function clientRequestId(headers: ServiceRequest['headers']): string | undefined {
  const id = headers['client-request-id'];
  // It comes back as it was sent, so it has to be what it should be.
  return typeof id === 'string' && isGuid(id) ? id : undefined;
}

function requestIds(headers: ServiceRequest['headers']): Record<string, string> {
  const id = clientRequestId(headers);
  const returned = id !== undefined && headers['return-client-request-id'] === 'true';
  return { 'request-id': randomUUID(), ...(returned ? { 'client-request-id': id } : {}) };
}
