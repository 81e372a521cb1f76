import { createServer, type Server } from 'node:https';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CountersignError } from '@countersign/core';
import { readBody } from './read-body.ts';
import { isServiceFault } from './refusals.ts';

/** How a service speaks HTTPS: certificate, place, limits. */
export interface HttpsServiceOptions {
  /** PEM. The certificate may be followed by those above it. */
  readonly tls: { readonly key: string | Uint8Array; readonly cert: string | Uint8Array };
  /** Address to listen at; `127.0.0.1` if absent. */
  readonly host?: string;
  /** 0, one that is free, if absent. */
  readonly port?: number;
  /** Name or address by which clients reach the service; `host` if absent. */
  readonly publicHost?: string;
  /** What a request's body may have; 64 KiB if absent. */
  readonly maxBodyBytes?: number;
  /** Within which a whole request must have come in; 10 000 if absent. */
  readonly requestTimeoutMs?: number;
  /** Connections at a time, beyond which new ones are dropped; 1000 if absent. */
  readonly maxConnections?: number;
  /** Told of failures that are the service's own; clients learn nothing but that there was one. */
  readonly onFailure?: (error: unknown) => void;
}

export interface ServiceRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: Uint8Array;
}

export interface ServiceResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Answers requests; what it throws, `refuse` turns into an answer. */
export interface ServiceHandler {
  handle(request: ServiceRequest): Promise<ServiceResponse>;
  /** @param request undefined if it could not be read */
  refuse(error: unknown, headers: IncomingMessage['headers'], url: URL): ServiceResponse;
}

export interface HttpsService {
  /** `https://host:port`, without a slash at the end. */
  readonly url: string;
  /** Stops listening and ends every connection. Safe to call twice. */
  close(): Promise<void>;
}

/** @throws CountersignError `SERVICE_UNREACHABLE` if it cannot listen there, or the certificate is none */
export async function startHttpsService(
  createHandler: (baseUrl: string) => ServiceHandler,
  options: HttpsServiceOptions,
): Promise<HttpsService> {
  const { host = '127.0.0.1', port = 0, publicHost = host } = options;
  let handler: ServiceHandler | undefined;
  const server = createTlsServer(options);
  server.on('request', (request, response) => {
    // Connections are taken once the handler is there.
    if (handler !== undefined) void answer(request, response, handler, options);
  });
  await listen(server, port, host);
  const address = server.address();
  const listeningPort = typeof address === 'object' && address !== null ? address.port : port;
  const url = `https://${publicHost.includes(':') ? `[${publicHost}]` : publicHost}:${listeningPort}`;
  handler = createHandler(url);
  return { url, close: async () => close(server) };
}

function createTlsServer({
  tls,
  requestTimeoutMs = 10_000,
  maxConnections = 1000,
}: HttpsServiceOptions): Server {
  try {
    const server = createServer({
      key: Buffer.from(tls.key),
      cert: Buffer.from(tls.cert),
      // MS-KPP 2.1 allows TLS 1.1, which RFC 8996 has deprecated since.
      minVersion: 'TLSv1.2',
      handshakeTimeout: requestTimeoutMs,
      headersTimeout: requestTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: Math.max(10, Math.floor(requestTimeoutMs / 4)),
      keepAliveTimeout: 5000,
      maxHeaderSize: 16 * 1024,
    });
    server.maxConnections = maxConnections;
    return server;
  } catch (cause) {
    throw cannotServe('the certificate or its key cannot be used', cause);
  }
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw cannotServe(`cannot listen at ${host} port ${port}`, cause);
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handler: ServiceHandler,
  options: HttpsServiceOptions,
): Promise<void> {
  const { maxBodyBytes = 64 * 1024, onFailure } = options;
  const url = new URL('https://service.invalid/');
  try {
    const { method = '', headers } = request;
    const [path, query] = splitAtFirst(request.url ?? '/', '?');
    url.pathname = path;
    url.search = query;
    const body = await readBody(request, maxBodyBytes);
    send(response, await handler.handle({ method, url, headers, body }));
  } catch (error) {
    if (request.destroyed && !request.complete) return;
    if (isServiceFault(error)) onFailure?.(error);
    const refusal = handler.refuse(error, request.headers, url);
    // A body that was not read to its end is not going to be.
    const headers = request.complete ? refusal.headers : { ...refusal.headers, connection: 'close' };
    send(response, { ...refusal, ...(headers === undefined ? {} : { headers }) });
  }
}

function splitAtFirst(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function send(response: ServerResponse, { status, headers = {}, body }: ServiceResponse): void {
  const octets = Buffer.from(body, 'utf8');
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
    'content-length': octets.length,
  });
  response.end(octets);
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

function cannotServe(found: string, cause: unknown): CountersignError {
  return new CountersignError(
    'SERVICE_UNREACHABLE',
    `the service cannot start: ${found}: ${cause instanceof Error ? cause.message : String(cause)}`,
    'Check the address, the port, and that certificate and key are PEM and belong together.',
    { cause },
  );
}
