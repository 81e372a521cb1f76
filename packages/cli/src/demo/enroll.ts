import { randomInt } from 'node:crypto';
import { effectivePinPolicy, checkPin } from '@countersign/hello';
import { CountersignError, verifyAuditChain } from '@countersign/core';
import { withLedger } from '../authorities/ca-state.ts';
import { syncSite } from '../site/sync-site.ts';
import { readPinFile, pinFromEnvironment } from '../terminal/pin.ts';
import { provisionUser, type ProvisionedUser } from './provision-user.ts';
import type { DemoOptions, StepLog } from './run-demo.ts';
import { placesIn, setUpOrganization, type DemoAuthorities } from './set-up-organization.ts';
import { useKey } from './use-key.ts';
import { prepareUserKeys, type DemoProvider } from './user-keys.ts';

export interface Enrolled extends DemoAuthorities, ProvisionedUser {
  /** Commands of other programs that see the user's key. */
  readonly seenBy: readonly string[];
}

/** The flow from an empty directory to a certificate that was used, each station as the commands run it. */
export async function enroll(
  state: string,
  provider: DemoProvider,
  options: DemoOptions,
  log: StepLog,
): Promise<Enrolled> {
  const { pin, isKnown } = await obtainPin(options);
  try {
    const keys = await prepareUserKeys(provider, state, pin);
    try {
      const { endorsementRoots } = keys;
      const authorities = await setUpOrganization(state, options.algorithm, endorsementRoots, log.runStep);
      const user = await provisionUser(state, options, keys, pin, log);
      await finish(state, user, pin, log);
      return { ...authorities, ...user, seenBy: isKnown ? keys.seenBy : [] };
    } finally {
      await keys.close();
    }
  } finally {
    pin.fill(0);
  }
}

async function finish(
  state: string,
  user: ProvisionedUser,
  pin: Uint8Array,
  { runStep }: StepLog,
): Promise<void> {
  const { site, ca } = placesIn(state);
  await runStep('sync', 'The key is synced to the directory on premises', async (did) => {
    const { added, nextRunAt } = await syncSite(site);
    did(`${added} key added; next run ${nextRunAt.toISOString()}`);
  });
  await runStep('use', 'The user unlocks the key with the PIN and signs a challenge', async (did) => {
    await useKey(user, pin);
    did('the signature verifies under the installed certificate');
  });
  await runStep('audit', "The CA's audit trail is whole", async (did) => {
    const { count } = await withLedger(ca, (ledger) => verifyAuditChain(ledger.readAudit()));
    did(`${count} records, hash-chained`);
  });
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
