import { readFile } from 'node:fs/promises';
import { Certificate, CountersignError, decodePemOrDer } from '@countersign/core';
import { ProvisioningJournal } from '@countersign/hello';
import {
  renewalDueAt,
  renewAt,
  renewCertificate,
  type RenewalOutcome,
  type RenewalStations,
} from '@countersign/hello/renewal';
import { expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { makeAuthorities, type Authorities } from '../user/authorities.ts';
import { foundHousehold, provisionAlice, upn, withPin, type Household } from '../user/household.ts';

interface Setting {
  readonly household: Household;
  readonly authorities: Authorities;
  readonly stations: RenewalStations;
  /** What provisioning left. */
  readonly old: Certificate;
  readonly renew: (changed?: Partial<RenewalStations>, atOnce?: boolean) => Promise<RenewalOutcome>;
}

const dayMs = 86_400_000;

async function setting(daysLater = 300): Promise<Setting> {
  const household = await foundHousehold(await temporaryDirectory());
  const authorities = await makeAuthorities(household.premises);
  const old = Certificate.parse(await provisionAlice(household, authorities));
  authorities.now = new Date(authorities.now.getTime() + daysLater * dayMs);
  const { custody, places, state, premises } = household;
  const stations = { custody, withPin, places, ...renewAt(authorities.ca, premises) };
  const renew: Setting['renew'] = async (changed = {}, atOnce = false) =>
    renewCertificate({
      upn,
      directory: state,
      stations: { ...stations, ...changed },
      clock: authorities.clock,
      atOnce,
    });
  return { household, authorities, stations, old, renew };
}

test('gives the same key a new certificate, everywhere where the old one was', async () => {
  const { household, authorities, old, renew } = await setting();
  const outcome = await renew();
  if (outcome.kind !== 'renewed') throw new Error('a renewal was expected');
  const certificate = Certificate.parse(outcome.certificate);
  expect(certificate.publicKey.equals(old.publicKey)).toBe(true);
  expect(certificate.subject.equals(old.subject)).toBe(true);
  expect(certificate.notAfter > old.notAfter).toBe(true);
  await expectInPlace(household, outcome.certificate);
  expect((await authorities.ledger.find(certificate.serialNumber))?.agentSerialNumber).toBe(old.serialNumber);
  // That one is not due before long.
  expect(await renew()).toEqual({ kind: 'not-due', dueAt: renewalDueAt(certificate) });
});

test('does nothing before it is due, unless told to', async () => {
  const { household, authorities, old, renew } = await setting(200);
  const { stations } = await setting();
  const asked = { ...stations, submit: async () => Promise.reject(new Error('asked')) };
  expect(await renew({ submit: asked.submit })).toEqual({ kind: 'not-due', dueAt: renewalDueAt(old) });
  await expectInPlace(household, old.der);
  expect(await renew({}, true)).toMatchObject({ kind: 'renewed' });
  expect(await authorities.ledger.findByKey(old.publicKey.keyId)).toHaveLength(2);
});

test('is due after four fifths of the lifetime, or what part the policy says', async () => {
  const validity = { notBefore: new Date(0), notAfter: new Date(1000 * dayMs) };
  expect(renewalDueAt(validity)).toEqual(new Date(800 * dayMs));
  expect(renewalDueAt(validity, { dueAfterFraction: 0.5 })).toEqual(new Date(500 * dayMs));
  for (const dueAfterFraction of [0, 1, -1, Number.NaN]) {
    const work = Promise.resolve().then(() => renewalDueAt(validity, { dueAfterFraction }));
    await refusal(work, 'POLICY_INVALID');
  }
});

test('is refused once the key is not registered for the user any more', async () => {
  const { household, authorities, old, renew } = await setting();
  await household.premises.removeKey(upn, old.publicKey.keyId);
  await refusal(renew(), 'KEY_NOT_REGISTERED');
  await expectInPlace(household, old.der);
  expect(await authorities.ledger.findByKey(old.publicKey.keyId)).toHaveLength(1);
});

test('is refused, too, if the registration goes while the CA is away', async () => {
  const { household, stations, old, renew } = await setting();
  const away = new CountersignError('SERVICE_UNREACHABLE', 'the CA is away', 'wait');
  await expect(renew({ submit: async () => Promise.reject(away) })).rejects.toBe(away);
  await household.premises.removeKey(upn, old.publicKey.keyId);
  await refusal(renew(), 'KEY_NOT_REGISTERED');
  expect(stations.places).toHaveLength(1);
  await expectInPlace(household, old.der);
});

test('comes too late for a certificate that expired or was revoked', async () => {
  const expired = await setting(400);
  await refusal(expired.renew(), 'CERTIFICATE_EXPIRED');
  const revoked = await setting();
  await revoked.authorities.ca.revoke(revoked.old.serialNumber, 'keyCompromise');
  await refusal(revoked.renew(), 'CERTIFICATE_REVOKED');
  await expectInPlace(revoked.household, revoked.old.der);
});

test('needs a provisioning that came to its end, of the same user', async () => {
  const { household, stations, renew } = await setting();
  const another = { upn: 'bob@corp.test', directory: household.state, stations };
  await refusal(renewCertificate(another), 'STATE_EXISTS');
  await new ProvisioningJournal(household.state).remove();
  await refusal(renew(), 'STATE_MISSING');
});

test('installs nothing that is not what was asked for', async () => {
  const { household, stations, old, renew } = await setting();
  const stranger = await setting();
  const foreign = await stranger.renew();
  if (foreign.kind !== 'renewed') throw new Error('a renewal was expected');
  for (const answer of [foreign.certificate, old.der]) {
    await refusal(renew({ submit: async () => answer }), 'RESPONSE_MISMATCH');
    await expectInPlace(household, old.der);
  }
  expect(await renew({ submit: stations.submit.bind(stations) })).toMatchObject({ kind: 'renewed' });
});

test('keeps the old certificate in every place until the new one is there', async () => {
  const { household, old, renew } = await setting();
  const full = new CountersignError('FILE_UNWRITABLE', 'the disk is full', 'free some space');
  const place = { name: 'a full disk', put: async () => Promise.reject(full), remove: async () => undefined };
  await expect(renew({ places: [place, ...household.places] })).rejects.toBe(full);
  expect(await pemOf(household)).toEqual(Buffer.from(old.der));
  const outcome = await renew();
  if (outcome.kind !== 'renewed') throw new Error('a renewal was expected');
  await expectInPlace(household, outcome.certificate);
});

test('cut off before or after any call, it ends with one new certificate', async () => {
  let moments = 0;
  for (let at = 0; ; at += 1) {
    const { household, authorities, stations, old, renew } = await setting();
    let calls = 0;
    const cutOff = async (): Promise<void> => {
      if (calls++ === at) throw new Error('cut off');
    };
    const first = await renew(watched(stations, cutOff)).catch((error: unknown) => error);
    if (!(first instanceof Error)) break;
    expect(first.message).toBe('cut off');
    moments += 1;
    // Finished, or begun no more than there was: then it is due still.
    const outcome = await renew();
    const issued = await authorities.ledger.findByKey(old.publicKey.keyId);
    expect(issued).toHaveLength(2);
    if (outcome.kind !== 'renewed') throw new Error('a renewal was expected');
    await expectInPlace(household, outcome.certificate);
  }
  expect(moments).toBeGreaterThan(9);
});

async function pemOf({ pemPath }: Household): Promise<Uint8Array> {
  return decodePemOrDer(await readFile(pemPath), ['CERTIFICATE']);
}

async function expectInPlace(household: Household, certificate: Uint8Array): Promise<void> {
  const [stored, ...others] = await household.provider.listCertificates();
  expect(others).toEqual([]);
  expect(Buffer.from(stored?.certificate ?? [])).toEqual(Buffer.from(certificate));
  expect(await pemOf(household)).toEqual(Buffer.from(certificate));
  const noted = (await new ProvisioningJournal(household.state).read())?.certificate;
  expect(Buffer.from(noted ?? [])).toEqual(Buffer.from(certificate));
}

/** Stations that tell of each call before and after it is answered. */
function watched(stations: RenewalStations, told: () => Promise<void>): Partial<RenewalStations> {
  const around =
    <A extends unknown[], T>(work: (...args: A) => Promise<T>): ((...args: A) => Promise<T>) =>
    async (...args) => {
      await told();
      const result = await work(...args);
      await told();
      return result;
    };
  return {
    withPin: async (purpose, use) => {
      await told();
      const result = await stations.withPin(purpose, use);
      await told();
      return result;
    },
    isRegistered: around(stations.isRegistered.bind(stations)),
    submit: around(stations.submit.bind(stations)),
    places: stations.places.map((place) => ({
      name: place.name,
      put: around(place.put.bind(place)),
      remove: place.remove.bind(place),
    })),
  };
}
