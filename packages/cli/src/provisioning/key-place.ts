import { join } from 'node:path';
import { CountersignError, KeyCustody } from '@countersign/core';
import { FileKeyRecords } from '@countersign/state';
import { openProvider, type OpenedProvider } from '../keys/provider-access.ts';
import type { HelloConfig } from './hello-config.ts';

/** Where the user's key goes, or is. */
export interface KeyPlace {
  readonly uri: string;
  readonly isSecurityDevice: boolean;
  readonly provider: OpenedProvider;
  readonly custody: KeyCustody;
}

/**
 * Opens the security device; where there is none, and policy does not require one, what takes its place.
 * @throws CountersignError `PROVIDER_NOT_AVAILABLE` and what else opening the last of them throws
 */
export async function withKeyPlace<T>(config: HelloConfig, use: (place: KeyPlace) => Promise<T>): Promise<T> {
  const { uri, isSecurityDevice, provider } = await openFirst(config);
  try {
    const records = new FileKeyRecords(config.stateDirectory);
    return await use({ uri, isSecurityDevice, provider, custody: new KeyCustody({ provider, records }) });
  } finally {
    await provider.close();
  }
}

/** Whether there is a place that policy allows; what opening one fails with is why not. */
export async function probeKeyPlace(
  config: HelloConfig,
): Promise<{ readonly isEligible: boolean; readonly found: string }> {
  try {
    return await withKeyPlace(config, async ({ uri, isSecurityDevice }) => ({
      isEligible: true,
      found: isSecurityDevice ? `security device ${uri}` : `no security device, ${uri} in its place`,
    }));
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    return { isEligible: false, found: error.message };
  }
}

async function openFirst(
  config: HelloConfig,
): Promise<{ uri: string; isSecurityDevice: boolean; provider: OpenedProvider }> {
  const { securityDevice, software } = config.keys;
  const store = join(config.stateDirectory, 'keys');
  if (securityDevice !== undefined) {
    try {
      const provider = await openProvider(securityDevice, store);
      return { uri: securityDevice, isSecurityDevice: true, provider };
    } catch (error) {
      const mayFallBack = error instanceof CountersignError && software !== undefined;
      if (!mayFallBack || config.policy.requireSecurityDevice) throw error;
    }
  }
  if (config.policy.requireSecurityDevice || software === undefined) throw noSecurityDevice();
  return { uri: software, isSecurityDevice: false, provider: await openProvider(software, store) };
}

function noSecurityDevice(): CountersignError {
  return new CountersignError(
    'PROVIDER_NOT_AVAILABLE',
    'the policy requires a security device, and the settings name none (keys.securityDevice)',
    'Name a TPM, or have the policy not require one (policy.requireSecurityDevice).',
  );
}
