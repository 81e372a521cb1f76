import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { KeyAlgorithm } from '@countersign/core';
import { openFileDirectory } from '@countersign/hello';
import { writeFileAtomic } from '@countersign/state';
import { readConfig as readCaConfig } from '../authorities/ca-state.ts';
import { createStateDirectory } from '../authorities/new-state-directory.ts';
import { withRaParts } from '../authorities/ra-state.ts';
import { portableRef, withNewServiceKey } from '../authorities/service-key.ts';
import type { PinOptions } from '../terminal/pin.ts';
import { writeSiteConfig, type SiteConfig } from './site-config.ts';
import { createTlsIdentity } from './tls-identity.ts';

export interface NewSite {
  readonly ca: string;
  readonly ra: string;
  readonly raPin: PinOptions;
  /** Of the cloud's users; there already. */
  readonly cloud: string;
  readonly synchronousEnrollment: boolean;
  readonly syncIntervalMinutes: number;
}

/** Folders below a site's, each with a key and the PIN for it. */
export const tokenKeyFolder = 'token-key';
export const receiptKeyFolder = 'receipt-key';
export const sealingKeyFile = 'sealing.key';

/**
 * Makes a site around a CA and its RA: the keys that its services sign and seal with, and its TLS certificate.
 * @throws CountersignError `STATE_EXISTS`, `STATE_MISSING`
 */
export async function initSite(dir: string, options: NewSite): Promise<SiteConfig> {
  await readCaConfig(options.ca);
  await withRaParts(options.ra, options.raPin, async () => undefined);
  await openFileDirectory(options.cloud);
  return createStateDirectory(dir, async (draft) => {
    // RS256 is what every reader of such tokens knows; receipts are read here alone.
    const tokenKeyRef = await newKey(join(draft, tokenKeyFolder), 'tokens', 'rsa2048');
    const receiptKeyRef = await newKey(join(draft, receiptKeyFolder), 'key-receipts', 'rsa2048');
    await writeFileAtomic(join(draft, sealingKeyFile), randomBytes(32), { mode: 0o600 });
    await createTlsIdentity(draft, new Date());
    const { synchronousEnrollment, syncIntervalMinutes } = options;
    const config: SiteConfig = {
      ca: resolve(options.ca),
      ra: resolve(options.ra),
      cloud: resolve(options.cloud),
      synchronousEnrollment,
      syncIntervalMinutes,
      tokenKeyRef,
      receiptKeyRef,
    };
    await writeSiteConfig(draft, config);
    return config;
  });
}

/** Services start without anybody at the keyboard: the PIN lies beside the key. */
async function newKey(folder: string, label: string, algorithm: KeyAlgorithm): Promise<string> {
  return withNewServiceKey(folder, 'memory:', { algorithm, label }, { random: true }, async ({ ref }) =>
    portableRef(folder, ref, 'memory:'),
  );
}
