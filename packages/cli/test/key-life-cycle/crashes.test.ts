import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import {
  CountersignError,
  KeyCustody,
  MemoryKeyRecords,
  type KeyProvider,
  type KeyRecord,
  type KeyRecordStore,
} from '@countersign/core';
import { FileKeyRecords } from '@countersign/state';
import { expect, onTestFinished, test } from 'vitest';
import { certificateFor, pin, sealedMemoryProvider, temporaryDirectory, type Provider } from './providers.ts';

/** How many processes are killed; a longer run sets COUNTERSIGN_KILLS. */
const kills = Number(process.env['COUNTERSIGN_KILLS'] ?? 20);

test(
  `after ${kills} kills amid rotations records and keys agree`,
  { timeout: 60_000 + kills * 2000 },
  async () => {
    let folder = await temporaryFolder();
    let rotations = 0;
    let repaired = 0;
    for (let killed = 0; killed < kills; killed += 1) {
      // Records are for good, and a person's keys are few: not thousands in one store.
      if (killed % 20 === 0) folder = await temporaryFolder();
      rotations += await killedAmidRotations(folder);
      const provider = await sealedMemoryProvider(folder);
      const records = new FileKeyRecords(folder);
      const custody = new KeyCustody({ provider, records });
      const { destroyed, activated, missing, unrecorded } = await custody.reconcile();
      repaired += destroyed.length + activated.length + unrecorded.length;
      expect(missing).toEqual([]);
      // The one thing that is left to decide: a key generated in the last moment.
      expect(unrecorded.length).toBeLessThanOrEqual(1);
      for (const ref of unrecorded) await custody.destroy(ref, 'its generation was cut short');
      await expectAgreement(provider, await records.list());
      expect(await custody.reconcile()).toEqual({
        destroyed: [],
        activated: [],
        missing: [],
        unrecorded: [],
      });
      await provider.close();
    }
    process.stdout.write(
      `${kills} kills, ${rotations} rotations, ${repaired} steps cut short and repaired\n`,
    );
    expect(rotations).toBeGreaterThan(0);
  },
);

async function expectAgreement(provider: Provider, records: readonly KeyRecord[]): Promise<void> {
  const present = new Set((await provider.list()).map(({ ref }) => ref));
  for (const { ref, history, replaces, keyId } of records) {
    expect(present.has(ref), `${ref} is ${history.state}`).toBe(history.state !== 'destroyed');
    if (history.state === 'pre-activation') expect(await provider.getCertificate(ref)).toBeUndefined();
    if (history.state !== 'active') continue;
    expect(await provider.getCertificate(ref)).toBeDefined();
    const replaced = records.find((other) => other.keyId === replaces);
    expect(replaced?.history.state ?? 'none', `replaced by ${keyId}`).not.toBe('active');
  }
}

/** @returns how many rotations came to an end */
async function killedAmidRotations(folder: string): Promise<number> {
  const program = fileURLToPath(new URL('children/live-on.ts', import.meta.url));
  const child = spawn(
    process.execPath,
    ['--conditions=@countersign/source', '--experimental-strip-types', '--no-warnings', program, folder],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  await once(child.stdout, 'data');
  setTimeout(() => child.kill('SIGKILL'), Math.random() * 400);
  await once(child, 'close');
  expect(child.signalCode).toBe('SIGKILL');
  return printed.split('\n').length - 2;
}

test.each([1, 2])('a destruction that fails at step %i is finished later', async (step) => {
  const folder = await temporaryFolder();
  const provider = await sealedMemoryProvider(folder);
  const records = new MemoryKeyRecords();
  const custody = new KeyCustody({ provider, records });
  const { ref } = await custody.generate({ algorithm: 'p256', pin });
  const { keyId } = await custody.describe(ref);
  const failing =
    step === 1
      ? new KeyCustody({ provider: withoutDestroy(provider), records })
      : new KeyCustody({ provider, records: failingAfter(records, 1) });
  await expect(failing.destroy(ref, 'because')).rejects.toThrow('the power went');
  expect((await custody.findRecord(keyId))?.history.state).toBe('pre-activation');
  expect((await custody.reconcile()).destroyed).toEqual([ref]);
  expect((await custody.findRecord(keyId))?.history.state).toBe('destroyed');
  expect(await provider.list()).toEqual([]);
});

test('a key about to be destroyed signs nothing', async () => {
  const provider = await sealedMemoryProvider(await temporaryFolder());
  const records = new MemoryKeyRecords();
  const custody = new KeyCustody({ provider, records });
  const key = await custody.generate({ algorithm: 'p256', pin });
  await custody.installCertificate(key.ref, (await certificateFor(provider, key.ref)).der);
  const failing = new KeyCustody({ provider: withoutDestroy(provider), records });
  await expect(failing.destroy(key.ref, 'because')).rejects.toThrow('the power went');
  await expect(key.sign('ecdsa-sha256', pin)).rejects.toMatchObject({ code: 'KEY_STATE_FORBIDS' });
});

test('a provider that keeps what it says it destroyed is caught', async () => {
  const provider = await sealedMemoryProvider(await temporaryFolder());
  const records = new MemoryKeyRecords();
  const lying = wrapped(provider, { destroy: () => Promise.resolve() });
  const custody = new KeyCustody({ provider: lying, records });
  const { ref } = await custody.generate({ algorithm: 'p256', pin });
  const { keyId } = await custody.describe(ref);
  await expect(custody.destroy(ref, 'because')).rejects.toMatchObject({ code: 'KEY_STORE_DAMAGED' });
  expect((await custody.findRecord(keyId))?.history.state).toBe('pre-activation');
});

test('a key whose record cannot be written is not left behind', async () => {
  const provider = await sealedMemoryProvider(await temporaryFolder());
  const custody = new KeyCustody({ provider, records: failingAfter(new MemoryKeyRecords(), 0) });
  await expect(custody.generate({ algorithm: 'p256', pin })).rejects.toThrow('the power went');
  expect(await provider.list()).toEqual([]);
});

test('a key of another store is neither missing nor finished', async () => {
  const records = new MemoryKeyRecords();
  const here = new KeyCustody({ provider: await sealedMemoryProvider(await temporaryFolder()), records });
  const provider = await sealedMemoryProvider(await temporaryFolder());
  const elsewhere = new KeyCustody({ provider: withoutDestroy(provider), records });
  const kept = await elsewhere.generate({ algorithm: 'p256', pin });
  const doomed = await elsewhere.generate({ algorithm: 'p256', pin });
  await expect(elsewhere.destroy(doomed.ref, 'because')).rejects.toThrow('the power went');
  expect(await here.reconcile()).toEqual({ destroyed: [], activated: [], missing: [], unrecorded: [] });
  await provider.destroy(kept.ref);
  expect((await elsewhere.reconcile().catch((error: unknown) => error)) instanceof Error).toBe(true);
  const repaired = await new KeyCustody({ provider, records }).reconcile();
  expect(repaired).toEqual({ destroyed: [doomed.ref], activated: [], missing: [kept.ref], unrecorded: [] });
});

function withoutDestroy(provider: Provider): Provider {
  return wrapped(provider, { destroy: () => Promise.reject(new Error('the power went')) });
}

function wrapped(provider: Provider, { destroy }: Pick<KeyProvider, 'destroy'>): Provider {
  return {
    info: provider.info,
    generate: async (spec) => provider.generate(spec),
    open: async (ref) => provider.open(ref),
    list: async () => provider.list(),
    destroy,
    close: async () => provider.close(),
    putCertificate: async (ref, certificate) => provider.putCertificate(ref, certificate),
    getCertificate: async (ref) => provider.getCertificate(ref),
    listCertificates: async () => provider.listCertificates(),
    removeCertificate: async (ref) => provider.removeCertificate(ref),
  };
}

/** Records that can be changed so many times more. */
function failingAfter(records: KeyRecordStore, changes: number): KeyRecordStore {
  let left = changes;
  return {
    find: async (keyId) => records.find(keyId),
    list: async () => records.list(),
    change: async (change) => {
      if (left === 0) throw new CountersignError('STATE_LOCKED', 'the power went', 'Try again.');
      left -= 1;
      await records.change(change);
    },
  };
}

async function temporaryFolder(): Promise<string> {
  const { path, remove } = await temporaryDirectory();
  onTestFinished(remove);
  return path;
}
