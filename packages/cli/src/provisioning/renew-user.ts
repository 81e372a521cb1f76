import { renewAt, renewCertificate, type RenewalOutcome, type RenewalStep } from '@countersign/hello/renewal';
import { readConfig as readCaConfig, withCa } from '../authorities/ca-state.ts';
import { withDirectory } from '../directories/open-directory.ts';
import { readSiteConfig } from '../site/site-config.ts';
import type { PinOptions } from '../terminal/pin.ts';
import { withGivenPin } from './ask-user.ts';
import type { HelloConfig } from './hello-config.ts';
import { withKeyPlace } from './key-place.ts';
import { requireSite } from './require-site.ts';
import { userPlaces } from './user-places.ts';

export interface RenewalRun {
  readonly pin: PinOptions;
  readonly caPin: PinOptions;
  /** Whether to renew before it is due. */
  readonly atOnce: boolean;
  readonly tell: (step: RenewalStep, what: string) => void;
}

/** Renews the certificate with the same key, if it is due. */
export async function renewUser(
  config: HelloConfig,
  { pin, caPin, atOnce, tell }: RenewalRun,
): Promise<RenewalOutcome> {
  const { upn, stateDirectory } = config;
  const { ca } = await readSiteConfig(requireSite(config, 'a renewal'));
  const { directory } = await readCaConfig(ca);
  return withDirectory(directory, async (opened) =>
    withCa(ca, { to: 'sign', pin: caPin }, async (authority) =>
      withKeyPlace(config, async ({ custody }) =>
        renewCertificate({
          upn,
          directory: stateDirectory,
          atOnce,
          tell,
          stations: {
            custody,
            withPin: async (_, use) =>
              withGivenPin(pin, { purpose: 'your Windows Hello key', twice: false }, use),
            ...renewAt(authority, opened),
            places: userPlaces(config),
          },
        }),
      ),
    ),
  );
}
