import { access, readdir } from 'node:fs/promises';
import { Certificate, CountersignError, PublicKey } from '@countersign/core';
import { ProvisioningJournal } from '@countersign/hello';
import { resetProvisioning, revokeAt, type ResetOutcome, type ResetStations } from '@countersign/hello/reset';
import { expect, test } from 'vitest';
import { alice, newPublicKey } from '../people.ts';
import { refusal } from '../refusal.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { makeAuthorities, type Authorities } from '../user/authorities.ts';
import { foundHousehold, pin, provisionAlice, upn, withPin, type Household } from '../user/household.ts';

interface Setting {
  readonly household: Household;
  readonly authorities: Authorities;
  readonly stations: ResetStations;
  readonly reset: (changed?: Partial<ResetStations>) => Promise<ResetOutcome>;
}

async function setting(): Promise<Setting> {
  const household = await foundHousehold(await temporaryDirectory());
  const authorities = await makeAuthorities(household.premises);
  const { custody, cloud, premises, places, state } = household;
  const stations: ResetStations = {
    custody,
    registries: [
      { name: 'the cloud directory', removeKey: async (...key) => cloud.removeKey(...key) },
      { name: 'the directory on premises', removeKey: async (...key) => premises.removeKey(...key) },
    ],
    places,
    revoke: revokeAt(authorities.ca),
  };
  const reset: Setting['reset'] = async (changed = {}) =>
    resetProvisioning({ upn, directory: state, stations: { ...stations, ...changed } });
  return { household, authorities, stations, reset };
}

test('takes key, registration and certificate away, in this order, and then what is known of them', async () => {
  const { household, authorities, stations } = await setting();
  const certificate = await provisionAlice(household, authorities);
  const told: string[] = [];
  const outcome = await resetProvisioning({
    upn,
    directory: household.state,
    stations,
    tell: (step) => told.push(step),
  });
  const { publicKey, serialNumber } = Certificate.parse(certificate);
  const { keyId } = publicKey;
  expect(outcome).toEqual({ kind: 'complete', keyId });
  expect([...new Set(told)]).toEqual(['key', 'registration', 'certificate', 'records']);
  await expectNothingLeft(household);
  expect((await authorities.ledger.find(serialNumber))?.revocation?.reason).toBe('cessationOfOperation');
  expect((await household.custody.findRecord(keyId))?.history.state).toBe('destroyed');
  // The PIN may come again, and so may the user.
  await provisionAlice(household, authorities);
});

test('cut off before or after any call, it ends with nothing left', async () => {
  let moments = 0;
  for (let at = 0; ; at += 1) {
    const { household, authorities, stations, reset } = await setting();
    const certificate = await provisionAlice(household, authorities);
    let calls = 0;
    const cutOff = async (): Promise<void> => {
      if (calls++ === at) throw new Error('cut off');
    };
    const first = await reset(watched(stations, cutOff)).catch((error: unknown) => error);
    if (!(first instanceof Error)) break;
    expect(first.message).toBe('cut off');
    moments += 1;
    expect(await reset()).toMatchObject({ kind: 'complete', keyId: keyIdOf(certificate) });
    await expectNothingLeft(household);
    expect((await authorities.ledger.find(serial(certificate)))?.revocation).toBeDefined();
  }
  expect(moments).toBeGreaterThan(9);
});

test('until it has ended, nothing is provisioned', async () => {
  const { household, authorities, reset } = await setting();
  await provisionAlice(household, authorities);
  const away = new Error('the CA is away');
  await expect(reset({ revoke: async () => Promise.reject(away) })).rejects.toBe(away);
  const error = await refusal(provisionAlice(household, authorities), 'STATE_EXISTS');
  expect(error.hint).toContain('Run the reset again');
  await reset();
  await provisionAlice(household, authorities);
});

test('finds the key of a provisioning that was cut off before it noted it', async () => {
  const { household, authorities, reset } = await setting();
  await expect(provisionAlice(household, authorities, 'the key')).rejects.toThrow('cut off');
  const journal = new ProvisioningJournal(household.state);
  const noted = await journal.read();
  if (noted === undefined) throw new Error('a journal was expected');
  await journal.write({ ...noted, keyRef: undefined });
  expect(await household.provider.list()).toHaveLength(1);
  expect(await reset()).toMatchObject({ kind: 'complete' });
  await expectNothingLeft(household);
});

test('goes on without a key that is gone already, whose registration and certificate are not', async () => {
  const { household, authorities, reset } = await setting();
  const certificate = await provisionAlice(household, authorities);
  const [key] = await household.provider.list();
  await household.provider.destroy(key?.ref ?? '');
  expect(await reset()).toMatchObject({ keyId: keyIdOf(certificate) });
  await expectNothingLeft(household);
  expect((await authorities.ledger.find(serial(certificate)))?.revocation).toBeDefined();
});

test('a user who is gone from a directory has no registration there', async () => {
  const { household, authorities, stations, reset } = await setting();
  await provisionAlice(household, authorities);
  const removeKey = async (_: string, keyId: string): Promise<void> =>
    household.cloud.removeKey('nobody@corp.test', keyId);
  await reset({ registries: [{ name: 'elsewhere', removeKey }, ...stations.registries] });
  await expectNothingLeft(household);
});

test('a token that wants its PIN gets it, or keeps the key', async () => {
  const { household, authorities, reset } = await setting();
  await provisionAlice(household, authorities);
  const { provider } = household;
  const wanting = new Proxy(household.custody, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== 'destroy' || typeof value !== 'function') return bound(value, target);
      return async (ref: string, reason: string) => {
        if (!unlocked) throw new CountersignError('PIN_REQUIRED', 'locked', 'unlock it');
        return target.destroy(ref, reason);
      };
    },
  });
  let unlocked = false;
  await refusal(reset({ custody: wanting }), 'PIN_REQUIRED');
  expect(await provider.list()).toHaveLength(1);
  const lend: ResetStations['withPin'] = async (purpose, use) =>
    withPin(purpose, async (given) => {
      const result = await use(given);
      unlocked = Buffer.compare(given, pin) === 0;
      return result;
    });
  await reset({ custody: wanting, withPin: lend });
  await expectNothingLeft(household);
});

test('waits for a token that is missing, unless it is said to be blank', async () => {
  const { household, authorities, stations } = await setting();
  await provisionAlice(household, authorities);
  const missing = new CountersignError('TOKEN_NOT_PRESENT', 'no such token', 'insert it');
  const destroy = async (): Promise<void> => Promise.reject(missing);
  const custody = new Proxy(household.custody, {
    get(target, name) {
      const value: unknown = name === 'destroy' ? destroy : Reflect.get(target, name, target);
      return bound(value, target);
    },
  });
  const options = { upn, directory: household.state, stations: { ...stations, custody } };
  await expect(resetProvisioning(options)).rejects.toBe(missing);
  expect((await household.cloud.findByUpn(upn))?.keyCredentials).toHaveLength(1);
  await resetProvisioning({ ...options, tokenInitializedAnew: true });
  expect((await household.cloud.findByUpn(upn))?.keyCredentials).toEqual([]);
});

test('leaves what is not of this provisioning: another key, another’s provisioning', async () => {
  const { household, authorities, stations, reset } = await setting();
  await provisionAlice(household, authorities);
  const other = await household.custody.generate({ algorithm: 'p256', label: 'other', pin });
  await household.premises.registerKey(upn, newPublicKey());
  const another = { upn: 'bob@corp.test', directory: household.state, stations };
  await refusal(resetProvisioning(another), 'STATE_EXISTS');
  expect(await household.provider.list()).toHaveLength(2);
  await reset();
  expect((await household.provider.list()).map(({ ref }) => ref)).toEqual([other.ref]);
  expect((await household.premises.findByUpn(upn))?.keyCredentials).toHaveLength(1);
});

test('where nothing was provisioned, there is nothing to take but the history of PINs', async () => {
  const { household, reset } = await setting();
  await household.history.remember(pin, new Date(), { history: 1 });
  expect(await reset()).toEqual({ kind: 'nothing-provisioned' });
  expect(await household.history.presentSince()).toBeUndefined();
});

async function expectNothingLeft(household: Household): Promise<void> {
  expect(await household.provider.list()).toEqual([]);
  for (const directory of [household.cloud, household.premises]) {
    expect((await directory.findByUpn(alice.upn))?.keyCredentials).toEqual([]);
  }
  await expect(access(household.pemPath)).rejects.toThrow('ENOENT');
  expect((await readdir(household.state)).filter((name) => name.endsWith('.json'))).toEqual([
    'key-records.json',
  ]);
}

function keyIdOf(certificate: Uint8Array): string {
  const { subjectPublicKeyInfo } = Certificate.parse(certificate).publicKey;
  return PublicKey.parse(subjectPublicKeyInfo).keyId;
}

function serial(certificate: Uint8Array): string {
  return Certificate.parse(certificate).serialNumber;
}

/** Stations that tell of each call before and after it is answered. */
function watched(stations: ResetStations, told: () => Promise<void>): ResetStations {
  const watch = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(object, name) {
        const value: unknown = Reflect.get(object, name, object);
        if (typeof value === 'object' && value !== null && name !== 'records') return watch(value);
        if (typeof value !== 'function' || name === 'then' || name === 'map' || name === Symbol.iterator)
          return value;
        if (
          !['destroy', 'list', 'open', 'removeKey', 'remove', 'revoke', 'getCertificate'].includes(
            String(name),
          )
        )
          return bound(value, object);
        return async (...args: unknown[]): Promise<unknown> => {
          await told();
          const result: unknown = await Reflect.apply(value, object, args);
          await told();
          return result;
        };
      },
    });
  return watch(stations);
}

function bound(value: unknown, target: object): unknown {
  if (typeof value !== 'function') return value;
  const method: unknown = value.bind(target);
  return method;
}
