import { randomInt } from 'node:crypto';
import { effectivePinPolicy, checkPin } from '@countersign/hello';
import { CountersignError, verifyAuditChain, type KeyAlgorithm } from '@countersign/core';
import { withLedger } from '../authorities/ca-state.ts';
import { syncSite } from '../site/sync-site.ts';
import { readPinFile, pinFromEnvironment } from '../terminal/pin.ts';
import { provisionUser, type ProvisionedUser } from './provision-user.ts';
import type { DemoOptions, StepLog } from './run-demo.ts';
import type { DemoDomain } from './full/start-demo-domain.ts';
import { leaveDomain } from './domain-directory.ts';
import { placesIn, setUpOrganization, type DemoOrganization } from './set-up-organization.ts';
import { signInToDomain, signInToMit, type DemoSignIn } from './sign-in-step.ts';
import { useKey } from './use-key.ts';
import { prepareUserKeys, type DemoProvider } from './user-keys.ts';

export interface Enrolled extends DemoOrganization, ProvisionedUser {
  /** Commands of other programs that see the user's key. */
  readonly seenBy: readonly string[];
  readonly signIns: readonly DemoSignIn[];
}

/** The flow from an empty directory to a user who signed in, each station as the commands run it. */
export async function enroll(
  state: string,
  provider: DemoProvider,
  options: DemoOptions & { readonly algorithm: KeyAlgorithm },
  log: StepLog,
): Promise<Enrolled> {
  const { pin, isKnown } = await obtainPin(options);
  let domain: DemoDomain | undefined;
  try {
    const keys = await prepareUserKeys(provider, state, pin);
    try {
      const { algorithm, full = false } = options;
      const { endorsementRoots } = keys;
      const onDomain = (started: DemoDomain): void => void (domain = started);
      const organizationOptions = { algorithm, endorsementRoots, hasDomain: full, onDomain };
      const organization = await setUpOrganization(state, organizationOptions, log.runStep);
      const user = await provisionUser(state, organization.user, algorithm, keys, pin, log);
      const signIns = await finish(state, organization, user, pin, log);
      return { ...organization, ...user, signIns, seenBy: isKnown ? keys.seenBy : [] };
    } finally {
      await domain?.stop();
      await keys.close();
    }
  } finally {
    pin.fill(0);
  }
}

async function finish(
  state: string,
  { domain }: DemoOrganization,
  user: ProvisionedUser,
  pin: Uint8Array,
  log: StepLog,
): Promise<readonly DemoSignIn[]> {
  const { site, ca, directory } = placesIn(state);
  await log.runStep('sync', 'The key is synced to the directory on premises', async (did) => {
    const { added, nextRunAt } = await syncSite(site);
    did(`${added} key added; next run ${nextRunAt.toISOString()}`);
  });
  await log.runStep('use', 'The user unlocks the key with the PIN and signs a challenge', async (did) => {
    await useKey(user, pin);
    did('the signature verifies under the installed certificate');
  });
  const toDomain = domain === undefined ? [] : [await signInToDomain(domain, state, user, pin, log)];
  if (domain !== undefined) await leaveDomain(directory, domain);
  const toMit = await signInToMit(state, user, pin, log);
  await log.runStep('audit', "The CA's audit trail is whole", async (did) => {
    const { count } = await withLedger(ca, (ledger) => verifyAuditChain(ledger.readAudit()));
    did(`${count} records, hash-chained`);
  });
  return [...toDomain, ...toMit];
}

/** The person's own PIN if there is one to read without asking; else a random one, used and forgotten. */
async function obtainPin({ pinFile }: DemoOptions): Promise<{ pin: Uint8Array; isKnown: boolean }> {
  const given = pinFile === undefined ? pinFromEnvironment() : await readPinFile(pinFile);
  if (given !== undefined) return { pin: given, isKnown: true };
  for (;;) {
    const pin = Buffer.from(Array.from({ length: 6 }, () => randomInt(10)).join(''));
    if (isAllowed(pin)) return { pin, isKnown: false };
  }
}

/** One in ten thousand is too simple. */
function isAllowed(pin: Uint8Array): boolean {
  try {
    checkPin(pin, effectivePinPolicy());
    return true;
  } catch (error) {
    if (error instanceof CountersignError && error.code === 'PIN_INVALID') return false;
    throw error;
  }
}
