import { join, resolve } from 'node:path';
import {
  CountersignError,
  isPinProtected,
  type Key,
  type KeyAlgorithm,
  type KeyProvider,
} from '@countersign/core';
import { openProvider, pinOfNewKey } from '../keys/provider-access.ts';
import { withPin, type PinOptions } from '../terminal/pin.ts';
import { withNewServicePin, withServicePin, type NewServicePin } from './service-pin.ts';

/** Generates a service's key and lends it. If the service cannot be made after all, the key is destroyed again. */
export async function withNewServiceKey<T>(
  directory: string,
  providerUri: string,
  spec: { readonly algorithm: KeyAlgorithm; readonly label: string },
  pinOptions: NewServicePin,
  use: (key: Key) => Promise<T>,
): Promise<T> {
  const provider = await openProvider(providerUri, serviceKeyStore(directory));
  try {
    const key = await generateWithPin(provider, directory, providerUri, spec, pinOptions);
    try {
      return await use(key);
    } catch (error) {
      await destroyUnused(provider, key.ref, error);
      throw error;
    }
  } finally {
    await provider.close();
  }
}

async function destroyUnused(provider: KeyProvider, ref: string, reason: unknown): Promise<void> {
  try {
    await provider.destroy(ref);
  } catch (cause) {
    if (!(reason instanceof CountersignError)) throw cause;
    const { code, message, hint } = reason;
    throw new CountersignError(code, message, `${hint} The new key ${ref} is left over: destroy it.`, {
      cause,
    });
  }
}

async function generateWithPin(
  provider: KeyProvider,
  directory: string,
  providerUri: string,
  spec: { readonly algorithm: KeyAlgorithm; readonly label: string },
  pinOptions: NewServicePin,
): Promise<Key> {
  switch (pinOfNewKey(providerUri)) {
    case 'its own':
      return withNewServicePin(directory, pinOptions, (pin) => provider.generate({ ...spec, pin }));
    case "its token's":
      return withPin('the token', pinOptions, (pin) => provider.generate({ ...spec, pin }));
    case 'from its pin-source':
      return provider.generate(spec);
  }
}

/** Lends a service's key, locked unless its reference says where the PIN is. */
export async function withServiceKey<T>(
  directory: string,
  ref: string,
  use: (key: Key) => Promise<T>,
): Promise<T> {
  const provider = await openProvider(ref, serviceKeyStore(directory));
  try {
    return await use(await provider.open(ref));
  } finally {
    await provider.close();
  }
}

/** @throws CountersignError `PIN_INCORRECT`, `PIN_LOCKED`, `PIN_REQUIRED` */
export async function unlockServiceKey(
  directory: string,
  purpose: string,
  key: Key,
  pinOptions: PinOptions,
): Promise<void> {
  if (!isPinProtected(key) || !key.locked) return;
  await withServicePin(directory, purpose, pinOptions, (pin) => key.unlock(pin));
}

/**
 * A reference to keep in the service's own files: without the store if that moves along with the directory, and with the
 * `pin-source` that its operator named.
 */
export function portableRef(directory: string, ref: string, providerUri: string): string {
  const [path = '', query = ''] = ref.split('?', 2);
  const ownStore = serviceKeyStore(directory);
  const kept = query
    .split('&')
    .filter(
      (each) => each !== '' && !(each.startsWith('store=') && decodeURIComponent(each.slice(6)) === ownStore),
    );
  const pinSource = /[?&](pin-source=[^&]*)/.exec(providerUri)?.[1];
  const attributes = [...kept, ...(pinSource === undefined ? [] : [pinSource])];
  return attributes.length === 0 ? path : `${path}?${attributes.join('&')}`;
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
