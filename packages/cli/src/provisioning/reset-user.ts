import { resetProvisioning, revokeAt, type ResetOutcome, type ResetStep } from '@countersign/hello/reset';
import { readConfig as readCaConfig, withCa } from '../authorities/ca-state.ts';
import { withDirectory } from '../directories/open-directory.ts';
import { openSite } from '../site/run-site.ts';
import type { PinOptions } from '../terminal/pin.ts';
import { withGivenPin } from './ask-user.ts';
import type { HelloConfig } from './hello-config.ts';
import { withKeyPlace } from './key-place.ts';
import { requireSite } from './require-site.ts';
import { userPlaces } from './user-places.ts';

export interface ResetRun extends PinOptions {
  readonly tell: (step: ResetStep, what: string) => void;
}

/**
 * Takes away what provisioning made, for a user who forgot the PIN: key, registrations, certificate, in that order. Cut off
 * anywhere, it goes on when it is run again.
 */
export async function resetUser(config: HelloConfig, { tell, ...pin }: ResetRun): Promise<ResetOutcome> {
  const { upn, stateDirectory } = config;
  const site = requireSite(config, 'a reset');
  const { config: places, cloud } = await openSite(site);
  const { directory } = await readCaConfig(places.ca);
  return withDirectory(directory, async (opened) => {
    const premises = opened.syncTarget(cloud);
    return withKeyPlace(config, async ({ custody }) =>
      resetProvisioning({
        upn,
        directory: stateDirectory,
        tell,
        stations: {
          custody,
          withPin: async (_, use) => withGivenPin(pin, { purpose: 'your token', twice: false }, use),
          registries: [
            { name: 'the cloud directory', removeKey: async (user, keyId) => cloud.removeKey(user, keyId) },
            {
              name: 'the directory on premises',
              removeKey: async (user, keyId) => premises.removeKeyCredential(user, keyId),
            },
          ],
          places: userPlaces(config),
          revoke: async (subject) =>
            withCa(places.ca, { to: 'administer' }, async (ca) => revokeAt(ca)(subject)),
        },
      }),
    );
  });
}
