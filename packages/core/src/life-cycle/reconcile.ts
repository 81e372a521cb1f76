import { isCertificateStore, type KeyProvider } from '../keys/key-provider.ts';
import { activate } from './activate.ts';
import { assertGone, destroyed, seek } from './destruction.ts';
import { keyIdOf, recorded, type KeyRecord, type KeyRecordStore } from './key-record.ts';

/** What reconciling did, and what it found and left for someone to decide: references of keys. */
export interface Reconciliation {
  /** Destructions that had been cut short and are finished. */
  readonly destroyed: readonly string[];
  /** Keys whose certificate had been installed, not yet their activation. */
  readonly activated: readonly string[];
  /** Keys not destroyed that this provider should have and does not find. */
  readonly missing: readonly string[];
  /** Keys that no record tells of: a generation cut short, or keys made elsewhere. Adopt or destroy them. */
  readonly unrecorded: readonly string[];
}

export async function reconcile(
  provider: KeyProvider,
  records: KeyRecordStore,
  clock: () => Date,
): Promise<Reconciliation> {
  const live = (await records.list()).filter(
    ({ ref, history }) => ref.startsWith(`${provider.info.scheme}:`) && history.state !== 'destroyed',
  );
  return {
    destroyed: await finishDestructions(provider, records, live, clock),
    activated: await finishInstallations(provider, records, clock),
    missing: await findMissing(provider, live),
    unrecorded: await findUnrecorded(provider, records),
  };
}

async function finishDestructions(
  provider: KeyProvider,
  records: KeyRecordStore,
  live: readonly KeyRecord[],
  clock: () => Date,
): Promise<string[]> {
  const finished: string[] = [];
  for (const { keyId, ref, destructionBegunAt } of live) {
    if (destructionBegunAt === undefined) continue;
    const place = await seek(provider, ref);
    // That a key is not found proves nothing of a key that lives elsewhere.
    if (place === 'elsewhere') continue;
    if (place === 'found') await provider.destroy(ref);
    await assertGone(provider, ref);
    await records.change((all) => {
      const record = recorded(all.get(keyId), ref);
      if (record.history.state === 'destroyed') return []; // another process was quicker
      return [destroyed(record, clock(), 'a destruction cut short was finished', provider.info.destruction)];
    });
    finished.push(ref);
  }
  return finished;
}

async function finishInstallations(
  provider: KeyProvider,
  records: KeyRecordStore,
  clock: () => Date,
): Promise<string[]> {
  if (!isCertificateStore(provider)) return [];
  const activated: string[] = [];
  for (const key of await provider.list()) {
    const keyId = keyIdOf(key);
    if ((await records.find(keyId))?.history.state !== 'pre-activation') continue;
    if ((await provider.getCertificate(key.ref)) === undefined) continue;
    await records.change((all) => activate(all, keyId, clock()));
    activated.push(key.ref);
  }
  return activated;
}

async function findMissing(provider: KeyProvider, live: readonly KeyRecord[]): Promise<string[]> {
  const missing: string[] = [];
  for (const { ref, destructionBegunAt } of live) {
    if (destructionBegunAt === undefined && (await seek(provider, ref)) === 'gone') missing.push(ref);
  }
  return missing;
}

async function findUnrecorded(provider: KeyProvider, records: KeyRecordStore): Promise<string[]> {
  const known = new Set((await records.list()).map(({ keyId }) => keyId));
  return (await provider.list()).filter((key) => !known.has(keyIdOf(key))).map(({ ref }) => ref);
}
