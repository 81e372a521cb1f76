import { join } from 'node:path';
import { CountersignError, type CertificateStore, type KeyProvider } from '@countersign/core';
import { createMemoryProvider, parseMemoryUri } from '@countersign/provider-memory';
import { defaultStateDirectory } from '@countersign/state';
import { loadPkcs11 } from './optional-providers.ts';

export type OpenedProvider = KeyProvider & CertificateStore;

/** Providers that the command line can open, by the URI scheme of their references. */
const openers: Readonly<Record<string, (uri: string, defaultStore: string) => Promise<OpenedProvider>>> = {
  memory: openMemory,
  pkcs11: openToken,
  tpm: openTpm,
};

/**
 * Opens the provider that a URI names, be it the provider's own (`memory:`, `tpm:`, `pkcs11:token=…?module-path=…`) or
 * that of one of its keys.
 * @param defaultStore where keys that lie in files are kept when the URI does not say
 * @throws CountersignError `PROVIDER_NOT_AVAILABLE`, `KEY_REFERENCE_MALFORMED`
 */
export async function openProvider(uri: string, defaultStore?: string): Promise<OpenedProvider> {
  const scheme = schemeOf(uri);
  const open = Object.hasOwn(openers, scheme) ? openers[scheme] : undefined;
  if (open !== undefined) return open(completeUri(uri), defaultStore ?? userKeyStore(scheme));
  throw new CountersignError(
    'PROVIDER_NOT_AVAILABLE',
    `there is no key provider for "${scheme}:" references in this version`,
    `Use one of: ${Object.keys(openers)
      .map((name) => `${name}:`)
      .join(', ')}`,
  );
}

/** A scheme alone (`memory`) names the provider as well as `memory:` does. */
export function completeUri(uri: string): string {
  return uri.includes(':') ? uri : `${uri}:`;
}

/**
 * The PIN that a key made there gets: one of its own, or the one that its token has for all keys, which is given by
 * somebody or comes from the URI's own `pin-source`.
 */
export function pinOfNewKey(uri: string): 'its own' | "its token's" | 'from its pin-source' {
  if (schemeOf(uri) !== 'pkcs11') return 'its own';
  return /[?&]pin-source=/.test(uri) ? 'from its pin-source' : "its token's";
}

function schemeOf(uri: string): string {
  return completeUri(uri).split(':', 1).join('');
}

async function openMemory(uri: string, defaultStore: string): Promise<OpenedProvider> {
  const { store } = parseMemoryUri(uri);
  return createMemoryProvider({ storeDirectory: store ?? defaultStore });
}

async function openToken(uri: string): Promise<OpenedProvider> {
  const { createPkcs11Provider } = await loadPkcs11();
  return createPkcs11Provider({ uri });
}

/** Loaded when a TPM is named: other commands start faster without it. */
async function openTpm(uri: string, defaultStore: string): Promise<OpenedProvider> {
  const { createTpmProvider } = await import('@countersign/provider-tpm');
  return createTpmProvider({ uri, storeDirectory: defaultStore });
}

/** The store of the person who runs the command. */
function userKeyStore(scheme: string): string {
  return join(defaultStateDirectory(), scheme === 'tpm' ? 'tpm-keys' : 'keys');
}
