import { randomBytes } from 'node:crypto';
import { CountersignError, isPinProtected, preferredScheme, verifySignature } from '@countersign/core';
import { withKeyPlace } from '../provisioning/key-place.ts';
import type { ProvisionedUser } from './provision-user.ts';

/** What a sign-in does with key and certificate: found again by reference, locked until the PIN comes. */
export async function useKey(
  { config, keyRef, certificate }: ProvisionedUser,
  pin: Uint8Array,
): Promise<void> {
  await withKeyPlace(config, async ({ custody }) => {
    const key = await custody.open(keyRef);
    if (isPinProtected(key)) await key.unlock(pin);
    const challenge = randomBytes(32);
    const scheme = preferredScheme(key);
    const signature = await key.sign(scheme, challenge);
    if (verifySignature(certificate.publicKey, scheme, challenge, signature)) return;
    throw new CountersignError(
      'SIGNATURE_INVALID',
      `the signature of ${keyRef} does not verify under the certificate ${certificate.serialNumber}`,
      'This is a defect in the key provider; please report it.',
    );
  });
}
