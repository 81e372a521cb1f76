import { CountersignError } from '@countersign/core';
import { MessageObject } from '../https/index.ts';
import { certificateCapability, derivationCapability, receiptCapability, tokenPath } from './protocol.ts';

/** What a client needs to know of a registration authority before it asks for a certificate. */
export interface RaMetadata {
  readonly tokenEndpoint: URL;
  readonly acceptsReceipts: boolean;
}

/** OpenID Provider Configuration (MS-OIDCE 2.2.3.2), as far as this service is a provider. */
export function formatMetadata(url: string, acceptsReceipts: boolean): string {
  return JSON.stringify({
    issuer: `${url}/adfs`,
    token_endpoint: `${url}${tokenPath}`,
    capabilities: [
      derivationCapability,
      certificateCapability,
      ...(acceptsReceipts ? [receiptCapability] : []),
    ],
  });
}

/**
 * @param url where the metadata came from
 * @throws CountersignError `MESSAGE_MALFORMED`; `SERVICE_REFUSED` if the service enrolls nobody, or sends the client
 *   elsewhere
 */
export function parseMetadata(body: Uint8Array, url: URL): RaMetadata {
  const metadata = MessageObject.parse(body, 'OpenID metadata');
  const capabilities = metadata.strings('capabilities');
  for (const needed of [certificateCapability, derivationCapability]) {
    if (!capabilities.includes(needed)) throw notUsable(`has not the capability ${needed}`);
  }
  const endpoint = metadata.string('token_endpoint');
  // A primary refresh token goes there: to the service that was asked, and nowhere else.
  if (!URL.canParse(endpoint) || new URL(endpoint).origin !== url.origin) {
    throw notUsable(`names a token endpoint that is not its own: ${JSON.stringify(endpoint.slice(0, 100))}`);
  }
  return { tokenEndpoint: new URL(endpoint), acceptsReceipts: capabilities.includes(receiptCapability) };
}

function notUsable(found: string): CountersignError {
  return new CountersignError(
    'SERVICE_REFUSED',
    `the registration authority ${found}`,
    'Check the address of the service, and that certificates for Windows Hello are switched on there.',
  );
}
