import { attestsDevice, attestsKey, type Attribute, type Key, type KeyProvider } from '@countersign/core';
import { attestKey } from '../authorities/attest-key.ts';
import { readConfig as readCaConfig } from '../authorities/ca-state.ts';
import type { Organization } from './organization.ts';

/**
 * How a key in a TPM is proven to the RA of a site on this machine, where its CA's policy is to look at that; undefined
 * where there is nothing to prove, or the RA is somewhere else and has no protocol for it.
 */
export function attestForRa(
  { site }: Organization,
  provider: KeyProvider,
): ((key: Key) => Promise<readonly Attribute[]>) | undefined {
  if (site === undefined || !attestsDevice(provider)) return undefined;
  const { ca, ra } = site.config;
  return async (key) => {
    const { attestation } = await readCaConfig(ca);
    if (attestation === 'off' || !attestsKey(key)) return [];
    const { attribute } = await attestKey(ra, provider, key);
    return [attribute];
  };
}
