import { isAbsolute } from 'node:path';
import { CountersignError } from '@countersign/core';
import type { SocketEndpoint } from './socket-connection.ts';

/** Which TPM a `tpm:` URI asks for. */
export type TransportAddress =
  | { readonly kind: 'local' }
  | { readonly kind: 'device'; readonly path: string }
  | { readonly kind: 'swtpm'; readonly endpoint: SocketEndpoint }
  | { readonly kind: 'mssim'; readonly command: SocketEndpoint; readonly platform: SocketEndpoint }
  | { readonly kind: 'tbs' };

/**
 * Reads `tpm:` (the machine's own), `tpm:device=/dev/tpmrm0`, `tpm:swtpm=127.0.0.1:2321`, `tpm:swtpm-unix=/path`,
 * `tpm:mssim=127.0.0.1:2321` (the platform port is the next one) and `tpm:tbs`. Values are percent-encoded UTF-8.
 * @throws CountersignError `KEY_REFERENCE_MALFORMED` for anything else.
 */
export function parseTransportUri(uri: string): TransportAddress {
  const match = /^tpm:(?:(?<name>[a-z-]+)(?:=(?<value>.*))?)?$/is.exec(uri);
  if (match?.groups === undefined) throw malformed(uri, 'it does not begin with "tpm:"');
  const { name } = match.groups;
  const value = decode(uri, match.groups['value']);
  switch (name) {
    case undefined:
      return { kind: 'local' };
    case 'tbs':
      if (value !== undefined) throw malformed(uri, 'tbs takes no value');
      return { kind: 'tbs' };
    case 'device':
      return { kind: 'device', path: absolutePath(uri, value) };
    case 'swtpm':
      return { kind: 'swtpm', endpoint: tcpEndpoint(uri, value) };
    case 'swtpm-unix':
      return { kind: 'swtpm', endpoint: { kind: 'unix', path: absolutePath(uri, value) } };
    case 'mssim': {
      const command = tcpEndpoint(uri, value);
      if (command.port === 0xffff) throw malformed(uri, 'no port is left for the platform signals');
      return { kind: 'mssim', command, platform: { ...command, port: command.port + 1 } };
    }
    default:
      throw malformed(uri, 'it names no way to a TPM that is known');
  }
}

function tcpEndpoint(uri: string, value: string | undefined): SocketEndpoint & { readonly kind: 'tcp' } {
  const match = /^(?:\[(?<v6>[0-9a-f:.%]+)\]|(?<name>[^[\]:\s/]+)):(?<port>[0-9]{1,5})$/i.exec(value ?? '');
  const port = Number(match?.groups?.['port']);
  const host = match?.groups?.['v6'] ?? match?.groups?.['name'];
  if (host === undefined || port < 1 || port > 0xffff) throw malformed(uri, 'its value is not host:port');
  return { kind: 'tcp', host, port };
}

function absolutePath(uri: string, value: string | undefined): string {
  if (value === undefined || !isAbsolute(value) || value.includes('\0')) {
    throw malformed(uri, 'its value is not an absolute path');
  }
  return value;
}

function decode(uri: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  try {
    return decodeURIComponent(value);
  } catch {
    throw malformed(uri, 'its value is not percent-encoded UTF-8');
  }
}

function malformed(uri: string, problem: string): CountersignError {
  return new CountersignError(
    'KEY_REFERENCE_MALFORMED',
    `${JSON.stringify(uri.slice(0, 200))} does not say where a TPM is: ${problem}`,
    'Write tpm:, tpm:device=<absolute path>, tpm:swtpm=<host>:<port>, tpm:swtpm-unix=<absolute path>, tpm:mssim=<host>:<port> or tpm:tbs.',
  );
}
