import { CountersignError } from '@countersign/core';
import { changePin, PinHistory, ProvisioningJournal } from '@countersign/hello';
import { withPin } from '../terminal/pin.ts';
import type { HelloConfig } from './hello-config.ts';
import { withKeyPlace } from './key-place.ts';

export interface PinChangeFiles {
  /** File with the current PIN; else COUNTERSIGN_PIN, or the terminal. */
  readonly pinFile?: string | undefined;
  /** File with the new PIN; else the terminal. */
  readonly newPinFile?: string | undefined;
}

/**
 * Changes the PIN of the provisioned key, as the policy wants it.
 * @throws CountersignError `STATE_MISSING` if nothing was provisioned, and as hello's `changePin`
 */
export async function changeUserPin(
  config: HelloConfig,
  files: PinChangeFiles,
): Promise<{ readonly keyRef: string }> {
  const keyRef = await provisionedKey(config);
  await withKeyPlace(config, async ({ custody }) => {
    const key = await custody.open(keyRef);
    await withPin('your Windows Hello key', files, async (currentPin) =>
      withPin(
        'your Windows Hello key, new',
        { pinFile: files.newPinFile, source: 'file or terminal', twice: true },
        async (newPin) =>
          changePin({
            key,
            currentPin,
            newPin,
            policy: config.policy.pin,
            history: new PinHistory(config.stateDirectory),
          }),
      ),
    );
  });
  return { keyRef };
}

/** @throws CountersignError `STATE_MISSING` */
export async function provisionedKey({ upn, stateDirectory }: HelloConfig): Promise<string> {
  const { keyRef } = (await new ProvisioningJournal(stateDirectory).read()) ?? {};
  if (keyRef !== undefined) return keyRef;
  throw new CountersignError(
    'STATE_MISSING',
    `there is no key of ${upn} in ${stateDirectory}`,
    'Provision the user first: countersign provision --config FILE',
  );
}
