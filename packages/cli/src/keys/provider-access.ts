import { join } from 'node:path';
import { CountersignError, type CertificateStore, type KeyProvider } from '@countersign/core';
import { createMemoryProvider, parseMemoryUri } from '@countersign/provider-memory';
import { defaultStateDirectory } from '@countersign/state';

/** Providers that the command line can open, by the URI scheme of their references. */
export const providerSchemes = ['memory'] as const;

/**
 * Opens the provider that a URI names, be it the provider's own (`memory:`) or that of one of its keys.
 * @param defaultStore where the memory provider keeps its keys when the URI does not say
 * @throws CountersignError `PROVIDER_NOT_AVAILABLE`, `KEY_REFERENCE_MALFORMED`
 */
export async function openProvider(
  uri: string,
  defaultStore: string = userKeyStore(),
): Promise<KeyProvider & CertificateStore> {
  const [scheme = ''] = uri.split(':');
  if (scheme !== 'memory') {
    throw new CountersignError(
      'PROVIDER_NOT_AVAILABLE',
      `there is no key provider for "${scheme}:" references in this version`,
      `Use one of: ${providerSchemes.map((name) => `${name}:`).join(', ')}`,
    );
  }
  const { store } = parseMemoryUri(completeUri(uri));
  return createMemoryProvider({ storeDirectory: store ?? defaultStore });
}

/** A scheme alone (`memory`) names the provider as well as `memory:` does. */
export function completeUri(uri: string): string {
  return uri.includes(':') ? uri : `${uri}:`;
}

/** The store of the person who runs the command. */
function userKeyStore(): string {
  return join(defaultStateDirectory(), 'keys');
}
