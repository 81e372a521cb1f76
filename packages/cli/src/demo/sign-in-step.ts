import { join } from 'node:path';
import { isPinProtected } from '@countersign/core';
import { CountersignError } from '@countersign/core';
import { readCaCertificate } from '../authorities/ca-state.ts';
import { withKeyPlace } from '../provisioning/key-place.ts';
import type { DemoRealm } from './full/demo-realm.ts';
import { signInToRealm } from './full/sign-in-to-realm.ts';
import { startDemoKdc } from './full/start-demo-kdc.ts';
import type { ProvisionedUser } from './provision-user.ts';
import type { StepLog } from './run-demo.ts';
import { placesIn } from './set-up-organization.ts';

/** How a demonstration's sign-in ended. */
export interface DemoSignIn {
  /** Name and version of the server. */
  readonly server: string;
  readonly signedIn: boolean;
  /** What the server says where it takes no such keys. */
  readonly refusal?: string;
}

/** Signs in to a KDC of MIT Kerberos, if that is installed here. */
export async function signInToMit(
  state: string,
  user: ProvisionedUser,
  pin: Uint8Array,
  { runStep }: StepLog,
): Promise<readonly DemoSignIn[]> {
  return runStep('signin', 'The user signs in to a Kerberos realm with the PIN (PKINIT)', async (did) => {
    const kdc = await startDemoKdc(placesIn(state).ca, user.config.upn, did).catch((error: unknown) => {
      if (!(error instanceof CountersignError) || error.code !== 'TRIAL_DOMAIN_NOT_AVAILABLE') throw error;
      did(`not tried: ${error.message}`);
      did(error.hint);
      return undefined;
    });
    if (kdc === undefined) return [];
    try {
      return [await signInTo(kdc, state, user, pin, did)];
    } finally {
      await kdc.stop();
    }
  });
}

/** Signs in to the domain that the demonstration has as its directory. */
export async function signInToDomain(
  domain: DemoRealm,
  state: string,
  user: ProvisionedUser,
  pin: Uint8Array,
  { runStep }: StepLog,
): Promise<DemoSignIn> {
  return runStep('signin-domain', 'The user signs in to the Active Directory domain', async (did) =>
    signInTo(domain, state, user, pin, did),
  );
}

async function signInTo(
  realm: DemoRealm,
  state: string,
  { config, keyRef, certificate }: ProvisionedUser,
  pin: Uint8Array,
  did: (line: string) => void,
): Promise<DemoSignIn> {
  const trustAnchors = [await readCaCertificate(placesIn(state).ca)];
  const cacheFile = join(state, `krb5cc-${realm.server}`);
  return withKeyPlace(config, async ({ custody }) => {
    const key = await custody.open(keyRef);
    if (isPinProtected(key)) await key.unlock(pin);
    const outcome = await signInToRealm(realm, { key, certificate, trustAnchors, cacheFile }, did);
    return outcome.signedIn
      ? { server: realm.description, signedIn: true }
      : { server: realm.description, signedIn: false, refusal: outcome.refusal.message };
  });
}
