import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { encodePem } from '@countersign/core';
import { notTrusted, unreachable } from './directory-errors.ts';

export interface LdapsEndpoint {
  /** `ldaps://host:port`, as errors name it. */
  readonly url: string;
  /** Host name or address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** DER. Nothing else is trusted, neither what Node brings along nor what the system has. */
  readonly certificateAuthorities: readonly Uint8Array[];
  /** For the connection with its TLS handshake, and for each answer. */
  readonly timeoutMs: number;
}

/**
 * Opens a TLS connection to the endpoint; the certificate must chain to the authorities and be for the host.
 * @throws CountersignError `DIRECTORY_UNREACHABLE`, `CERTIFICATE_NOT_TRUSTED`
 */
export async function connectTls(endpoint: LdapsEndpoint): Promise<TLSSocket> {
  const { url, host, port, certificateAuthorities, timeoutMs } = endpoint;
  const socket = connect({
    host,
    port,
    ca: certificateAuthorities.map((der) => encodePem('CERTIFICATE', der)),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true, // said, since an environment variable could turn it off
  });
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), timeoutMs);
  try {
    await once(socket, 'secureConnect', { signal: timeout.signal });
    return socket;
  } catch (error) {
    // A socket that is destroyed may still report what it was at.
    socket.on('error', () => undefined).destroy();
    if (timeout.signal.aborted) {
      throw unreachable(url, `no TLS connection was there within ${timeoutMs} ms`, error);
    }
    const problem = error instanceof Error ? error.message : String(error);
    // Null until the certificate of the server was refused, whatever its type says.
    const isRefused = Boolean(socket.authorizationError);
    throw isRefused ? notTrusted(url, problem, error) : unreachable(url, problem, error);
  } finally {
    clearTimeout(timer);
  }
}
