import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CountersignError, type Key } from '@countersign/core';
import { ProvisioningJournal, provision, type ProvisioningOutcome, type Stations } from '@countersign/hello';
import { expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { makeVillage, pin, upn, type Village } from './village.ts';

test('leads from nothing to a certificate beside a key that the PIN opens', async () => {
  const village = await makeVillage();
  const journal = new ProvisioningJournal(await temporaryDirectory());
  const told: string[] = [];
  const tell = (step: string): void => void told.push(step);
  const outcome = await provision({ upn, journal, stations: village.stations, tell });
  expect(outcome.kind).toBe('complete');
  await expectOneOfEach(village, outcome);
  expect(told).toEqual([
    'prerequisites',
    'mfa',
    'key',
    'registration',
    'request',
    'enrollment',
    'certificate',
  ]);
});

test('run again, it knows that all is done, and asks nothing', async () => {
  const village = await makeVillage();
  const journal = new ProvisioningJournal(await temporaryDirectory());
  const first = await provision({ upn, journal, stations: village.stations });
  const asked: string[] = [];
  const stations = watched(village.stations, async (name) => void asked.push(name));
  expect(await provision({ upn, journal, stations })).toEqual(first);
  expect(asked).toEqual([]);
});

test('cut off before or after any call, it resumes to one key, one registration, one certificate', async () => {
  let moments = 0;
  for (let at = 0; ; at += 1) {
    const village = await makeVillage();
    const directory = await temporaryDirectory();
    let calls = 0;
    const cutOff = async (): Promise<void> => {
      if (calls++ === at) throw new Error('cut off');
    };
    const stations = watched(village.stations, cutOff, cutOff);
    const run = async (): Promise<ProvisioningOutcome> =>
      provision({ upn, journal: new ProvisioningJournal(directory), stations });
    const first = await run().catch((error: unknown) => error);
    if (!(first instanceof Error)) break;
    expect(first.message).toBe('cut off');
    moments += 1;
    await expectOneOfEach(village, await run());
  }
  expect(moments).toBeGreaterThan(20);
});

test('waits for the sync as often as it takes, and keeps count', async () => {
  const village = await makeVillage();
  const directory = await temporaryDirectory();
  village.notSynced = 2;
  const run = async (): Promise<ProvisioningOutcome> =>
    provision({ upn, journal: new ProvisioningJournal(directory), stations: village.stations });
  expect(await run()).toEqual({ kind: 'waiting', attempts: 1 });
  expect(await run()).toEqual({ kind: 'waiting', attempts: 2 });
  await expectOneOfEach(village, await run());
});

test.each(['checkPrerequisites', 'authenticate'] as const)(
  'where %s refuses, nothing is made',
  async (name) => {
    const village = await makeVillage();
    const directory = await temporaryDirectory();
    const refused = new CountersignError('PIN_REQUIRED', 'refused', 'no');
    const stations = {
      ...village.stations,
      [name]: async () => {
        throw refused;
      },
    };
    const journal = new ProvisioningJournal(directory);
    await expect(provision({ upn, journal, stations })).rejects.toBe(refused);
    expect(await village.provider.list()).toEqual([]);
    expect(await journal.read()).toBeUndefined();
  },
);

test('where no certificate is wanted, it ends with the registered key', async () => {
  const village = await makeVillage();
  const stations: Stations = { ...village.stations };
  delete stations.enroll;
  const journal = new ProvisioningJournal(await temporaryDirectory());
  const outcome = await provision({ upn, journal, stations });
  expect(outcome).toMatchObject({ kind: 'complete', certificate: undefined });
  expect(village.registered).toHaveLength(1);
  expect(await village.certificates()).toEqual([]);
  expect(await provision({ upn, journal, stations })).toEqual(outcome);
});

test('another user’s provisioning is not gone on with', async () => {
  const village = await makeVillage();
  const journal = new ProvisioningJournal(await temporaryDirectory());
  await provision({ upn, journal, stations: village.stations });
  await journal.remove();
  await journal.begin('bob@contoso.test', new Date());
  await refusal(provision({ upn, journal, stations: village.stations }), 'STATE_EXISTS');
});

test('two at once make one', async () => {
  const village = await makeVillage();
  const directory = await temporaryDirectory();
  const run = async (): Promise<ProvisioningOutcome> =>
    provision({ upn, journal: new ProvisioningJournal(directory), stations: village.stations });
  const [first, second] = await Promise.all([run(), run()]);
  expect(second).toEqual(first);
  await expectOneOfEach(village, first);
});

test('the journal holds no PIN, and one that is damaged is refused and kept', async () => {
  const village = await makeVillage();
  const directory = await temporaryDirectory();
  await provision({ upn, journal: new ProvisioningJournal(directory), stations: village.stations });
  const path = join(directory, 'provisioning.json');
  const text = await readFile(path, 'latin1');
  expect(text).not.toContain(pin.toString());
  for (const damaged of [text.slice(0, -9), text.replace('"version": 1', '"version": 2')]) {
    await writeFile(path, damaged);
    const journal = new ProvisioningJournal(directory);
    await refusal(provision({ upn, journal, stations: village.stations }), 'STATE_DAMAGED');
    expect(await readFile(path, 'latin1')).toBe(damaged);
  }
});

async function expectOneOfEach(village: Village, outcome: ProvisioningOutcome): Promise<void> {
  const keys = await village.provider.list();
  expect(keys).toHaveLength(1);
  expect(village.registered).toHaveLength(1);
  const certificates = await village.certificates();
  expect(certificates).toHaveLength(1);
  const [certificate] = certificates;
  expect(outcome).toMatchObject({ kind: 'complete', keyRef: keys[0]?.ref });
  expect(await village.provider.getCertificate(keys[0]?.ref ?? '')).toEqual(certificate?.der);
  const key: Key & { unlock?: (pin: Uint8Array) => Promise<void> } = await village.stations.custody.open(
    keys[0]?.ref ?? '',
  );
  await key.unlock?.(pin);
  await key.sign('ecdsa-sha256', pin);
}

/** Stations that tell of each call before and after it is answered, those of the custody included. */
function watched(
  stations: Stations,
  before: (name: string) => Promise<void>,
  after: (name: string) => Promise<void> = async () => undefined,
): Stations {
  const watch = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(object, name) {
        const value: unknown = Reflect.get(object, name);
        if (name === 'custody' && typeof value === 'object' && value !== null) return watch(value);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]): Promise<unknown> => {
          await before(String(name));
          const result: unknown = await Reflect.apply(value, object, args);
          await after(String(name));
          return result;
        };
      },
    });
  return watch(stations);
}
