import { join, resolve } from 'node:path';
import {
  CountersignError,
  isPinProtected,
  type CertificateStore,
  type Key,
  type KeyAlgorithm,
  type KeyProvider,
} from '@countersign/core';
import { formatMemoryUri, parseMemoryUri } from '@countersign/provider-memory';
import { openProvider } from '../keys/provider-access.ts';
import type { PinOptions } from '../terminal/pin.ts';
import { withNewServicePin, withServicePin, type NewServicePin } from './service-pin.ts';

/** How a CA or an RA finds its key: a provider, and where that provider keeps keys unless the reference says. */
export interface ServiceKey {
  readonly provider: KeyProvider & CertificateStore;
  readonly key: Key;
}

/** Generates a service's key. The caller closes the provider. */
export async function generateServiceKey(
  directory: string,
  providerUri: string,
  spec: { readonly algorithm: KeyAlgorithm; readonly label: string },
  pinOptions: NewServicePin,
): Promise<ServiceKey> {
  const provider = await openProvider(providerUri, serviceKeyStore(directory));
  try {
    const key = await withNewServicePin(directory, pinOptions, (pin) => provider.generate({ ...spec, pin }));
    return { provider, key };
  } catch (error) {
    await provider.close();
    throw error;
  }
}

/** Opens a service's key, locked. The caller closes the provider. */
export async function openServiceKey(directory: string, ref: string): Promise<ServiceKey> {
  const provider = await openProvider(ref, serviceKeyStore(directory));
  try {
    return { provider, key: await provider.open(ref) };
  } catch (error) {
    await provider.close();
    throw error;
  }
}

/** @throws CountersignError `PIN_INCORRECT`, `PIN_LOCKED`, `PIN_REQUIRED` */
export async function unlockServiceKey(
  directory: string,
  purpose: string,
  key: Key,
  pinOptions: PinOptions,
): Promise<void> {
  if (!isPinProtected(key)) return;
  await withServicePin(directory, purpose, pinOptions, (pin) => key.unlock(pin));
}

/** A reference to keep in the service's own files: without the store if that moves along with the directory. */
export function portableRef(directory: string, ref: string): string {
  if (!ref.startsWith('memory:')) return ref;
  const { store, ...key } = parseMemoryUri(ref);
  return store === serviceKeyStore(directory) ? formatMemoryUri(key) : ref;
}

/** @throws CountersignError `STATE_MISSING` */
export function missingState(directory: string, what: string, command: string): CountersignError {
  return new CountersignError(
    'STATE_MISSING',
    `there is no ${what} in ${resolve(directory)}`,
    `Correct the path, or make one: ${command}`,
  );
}

function serviceKeyStore(directory: string): string {
  return join(resolve(directory), 'keys');
}
