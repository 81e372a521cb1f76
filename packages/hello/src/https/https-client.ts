import { request as startRequest, type RequestOptions } from 'node:https';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { CountersignError } from '@countersign/core';
import { readBody } from './read-body.ts';

/** How a client reaches a service. */
export interface HttpsClientOptions {
  /** PEM certificates of the authorities that the service's certificate may come from; those of the system if absent. */
  readonly ca?: string | Uint8Array;
  /** For the whole exchange; 15 000 if absent. */
  readonly timeoutMs?: number;
}

export interface HttpsRequest {
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpsResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

const maxResponseBytes = 256 * 1024;

/**
 * One exchange over HTTPS; no redirect is followed.
 * @throws CountersignError `SERVICE_UNREACHABLE` if there is no whole answer in time, or the service's certificate is not
 *   to be trusted
 */
export async function exchange(
  url: URL,
  { method, headers = {}, body }: HttpsRequest,
  options: HttpsClientOptions,
): Promise<HttpsResponse> {
  assertHttps(url);
  const timeoutMs = options.timeoutMs ?? 15_000;
  const requestOptions: RequestOptions = {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }) },
    minVersion: 'TLSv1.2',
    // One connection for each exchange: nothing to keep open, nothing to close.
    agent: false,
    signal: AbortSignal.timeout(timeoutMs),
    ...(options.ca === undefined ? {} : { ca: Buffer.from(options.ca) }),
  };
  let message: IncomingMessage | undefined;
  try {
    message = await send(url, requestOptions, body);
    return {
      status: message.statusCode ?? 0,
      headers: message.headers,
      body: await readBody(message, maxResponseBytes),
    };
  } catch (cause) {
    if (cause instanceof CountersignError) throw cause;
    const timedOut = cause instanceof Error && (cause.name === 'TimeoutError' || cause.name === 'AbortError');
    throw unreachable(url, timedOut ? `no whole answer within ${timeoutMs} ms` : causeOf(cause), cause);
  } finally {
    message?.destroy();
  }
}

async function send(url: URL, options: RequestOptions, body: string | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = startRequest(url, options, resolve);
    // Also after the answer began: a service may answer, and hang up, before it has read everything.
    request.on('error', reject);
    request.end(body);
  });
}

function assertHttps(url: URL): void {
  if (url.protocol === 'https:') return;
  throw new CountersignError(
    'VALUE_OUT_OF_RANGE',
    `${url.origin} is not an https address`,
    'Give the address of the service with https:// before it.',
  );
}

function causeOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return 'code' in cause && typeof cause.code === 'string'
    ? `${cause.code}: ${cause.message}`
    : cause.message;
}

function unreachable(url: URL, found: string, cause: unknown): CountersignError {
  return new CountersignError(
    'SERVICE_UNREACHABLE',
    `no answer from ${url.origin}${url.pathname}: ${found}`,
    'Check that the service runs, its address, and that its certificate comes from an authority which is trusted here.',
    { cause },
  );
}
