import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  Certificate,
  CertificationRequest,
  KeyCustody,
  MemoryKeyRecords,
  PublicKey,
  type KeyAlgorithm,
} from '@countersign/core';
import {
  changePin,
  createFileDirectory,
  effectivePinPolicy,
  PinHistory,
  provision,
  ProvisioningJournal,
} from '@countersign/hello';
import { renewAt, renewCertificate } from '@countersign/hello/renewal';
import { resetProvisioning, revokeAt } from '@countersign/hello/reset';
import { nssDatabase, type NssDatabase } from '@countersign/hello/store';
import { afterEach, expect, test } from 'vitest';
import { alice } from '../people.ts';
import { refusal } from '../refusal.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { makeAuthorities } from '../user/authorities.ts';
import { foundHousehold, provisionAlice, upn } from '../user/household.ts';
import { certutil, modulePath, openToken, softToken } from './soft-token.ts';

const path = process.env['PATH'];
afterEach(() => {
  process.env['PATH'] = path;
});

/** A user's certificate and, a while later, the next one. */
async function certificates(): Promise<readonly [Uint8Array, Uint8Array]> {
  const household = await foundHousehold(await temporaryDirectory());
  const authorities = await makeAuthorities(household.premises);
  const first = await provisionAlice(household, authorities);
  const { publicKey } = Certificate.parse(first);
  await household.premises.registerKey(upn, publicKey.subjectPublicKeyInfo);
  authorities.now = new Date(authorities.now.getTime() + 1000);
  const request = (await new ProvisioningJournal(household.state).read())?.request ?? new Uint8Array();
  return [first, await authorities.enroll(request, upn)];
}

/** The nicknames in a database, and the certificates that stand behind them. */
async function contentsOf(directory: string): Promise<readonly Buffer[]> {
  const database = ['-d', `sql:${directory}`, '-L'];
  const listed = await certutil(database);
  const nicknames = listed.split('\n').flatMap((line) => /^(alice@.*?\S)\s+,,\s*$/.exec(line)?.[1] ?? []);
  const found: Buffer[] = [];
  for (const nickname of nicknames) {
    const pem = await certutil([...database, '-n', nickname, '-a']);
    const wanted = nickname.split(' ').at(-1);
    for (const [, body = ''] of pem.matchAll(/-----BEGIN CERTIFICATE-----([^-]+)/g)) {
      const der = Buffer.from(body, 'base64');
      if (Certificate.parse(der).serialNumber === wanted) found.push(der);
    }
  }
  expect(found).toHaveLength(nicknames.length);
  return found;
}

test('a certificate is put, replaced and taken away, as often as asked, and others are left', async () => {
  const directory = join(await temporaryDirectory(), 'nssdb');
  const database = nssDatabase({ directory, nickname: upn });
  const [first, second] = await certificates();
  await database.remove(first);
  for (let times = 0; times < 2; times += 1) await database.put(first);
  expect(await contentsOf(directory)).toEqual([Buffer.from(first)]);
  expect(await database.findsKey(first)).toBe(false);
  for (let times = 0; times < 2; times += 1) await database.put(second, first);
  expect(await contentsOf(directory)).toEqual([Buffer.from(second)]);
  const [foreign] = await certificates();
  await database.put(foreign);
  for (let times = 0; times < 2; times += 1) await database.remove(second);
  expect(await contentsOf(directory)).toEqual([Buffer.from(foreign)]);
});

test('a replacement that was cut off when both were there is finished', async () => {
  const directory = join(await temporaryDirectory(), 'nssdb');
  const database = nssDatabase({ directory, nickname: upn });
  const [first, second] = await certificates();
  await database.put(first);
  await database.put(second);
  expect(await contentsOf(directory)).toHaveLength(2);
  await database.put(second, first);
  expect(await contentsOf(directory)).toEqual([Buffer.from(second)]);
});

test('a database that has a password takes the certificate without it', async () => {
  const directory = await temporaryDirectory();
  await writeFile(join(directory, 'password'), 'correct horse\n');
  await certutil(['-N', '-d', `sql:${directory}`, '-f', join(directory, 'password')]);
  const [first, second] = await certificates();
  const database = nssDatabase({ directory, nickname: upn });
  await database.put(first);
  await database.put(second, first);
  expect(await contentsOf(directory)).toEqual([Buffer.from(second)]);
  await database.remove(second);
  expect(await contentsOf(directory)).toEqual([]);
});

test('what goes wrong is said: a damaged database, a module that is none, no certutil', async () => {
  const [certificate] = await certificates();
  const damaged = await temporaryDirectory();
  await writeFile(join(damaged, 'cert9.db'), 'no database');
  const put = async (database: NssDatabase): Promise<void> => database.put(certificate);
  const nickname = upn;
  const error = await refusal(put(nssDatabase({ directory: damaged, nickname })), 'CERTIFICATE_STORE_FAILED');
  expect(error.message).toMatch(/SEC_ERROR|NSS|database/);
  const module = { name: 'none', path: '/nowhere/none.so' };
  const directory = await temporaryDirectory();
  await refusal(put(nssDatabase({ directory, nickname, module })), 'CERTIFICATE_STORE_FAILED');
  expect(await contentsOf(directory)).toEqual([]);
  process.env['PATH'] = await temporaryDirectory();
  const missing = await refusal(put(nssDatabase({ directory, nickname })), 'PROVIDER_NOT_AVAILABLE');
  expect(missing.hint).toContain('libnss3-tools');
});

test.each(['token:alice', '-d', '', ' alice', 'a\nb'])('%j is no nickname', async (nickname) => {
  const make = Promise.resolve().then(() => nssDatabase({ directory: '/nowhere', nickname }));
  await refusal(make, 'VALUE_OUT_OF_RANGE');
});

test.each<KeyAlgorithm>(['rsa2048', 'p256'])(
  'on a token (%s): NSS signs with key and certificate from provisioning to renewal; after the reset neither is left',
  async (algorithm) => {
    const pins = { first: Buffer.from('482913'), second: Buffer.from('592834') };
    let pin = pins.first;
    const provider = await softToken(pin.toString());
    const folder = await temporaryDirectory();
    const state = join(folder, 'state');
    const premises = await createFileDirectory(join(folder, 'premises'));
    await premises.addUser(alice);
    const authorities = await makeAuthorities(premises);
    const records = new MemoryKeyRecords();
    const custody = new KeyCustody({ provider, records });
    const directory = join(folder, 'nssdb');
    const database = nssDatabase({ directory, nickname: upn, module: { name: 'hello', path: modulePath } });
    const withPin = async <T>(_: unknown, use: (lent: Uint8Array) => Promise<T>): Promise<T> =>
      use(Buffer.from(pin));
    const outcome = await provision({
      upn,
      journal: new ProvisioningJournal(state),
      stations: {
        checkPrerequisites: async () => [],
        authenticate: async () => ({
          upn,
          accessToken: '',
          primaryRefreshToken: { token: '', sessionKey: new Uint8Array(32) },
        }),
        withPin,
        custody,
        algorithm,
        register: async (publicKey) => ({
          keyId: (await premises.registerKey(upn, publicKey)).keyId,
          receipt: undefined,
        }),
        enroll: async (request) => ({ kind: 'issued', certificate: await authorities.enroll(request, upn) }),
      },
    });
    const certificate = outcome.kind === 'complete' ? outcome.certificate : undefined;
    if (outcome.kind !== 'complete' || certificate === undefined)
      throw new Error('provisioning was to be complete');
    await database.put(certificate);
    expect(await database.findsKey(certificate)).toBe(true);
    await expectNssSigns(directory, certificate, pin);

    const history = new PinHistory(state, { N: 16, r: 1, p: 1 });
    await history.remember(pin, new Date(), { history: 2 });
    const policy = effectivePinPolicy({ history: 2 });
    const key = await custody.open(outcome.keyRef);
    await changePin({ key, currentPin: pin, newPin: pins.second, policy, history });
    pin = pins.second;
    await expectNssSigns(directory, certificate, pin);

    authorities.now = new Date(authorities.now.getTime() + 300 * 86_400_000);
    const renewed = await renewCertificate({
      upn,
      directory: state,
      clock: authorities.clock,
      stations: { custody, withPin, places: [database], ...renewAt(authorities.ca, premises) },
    });
    if (renewed.kind !== 'renewed') throw new Error('a renewal was expected');
    expect(await contentsOf(directory)).toEqual([Buffer.from(renewed.certificate)]);
    expect(await database.findsKey(renewed.certificate)).toBe(true);

    const registry = {
      name: 'premises',
      removeKey: async (...at: [string, string]) => premises.removeKey(...at),
    };
    await provider.close();
    const later = await openToken();
    const stations = {
      custody: new KeyCustody({ provider: later, records }),
      registries: [registry],
      places: [database],
      revoke: revokeAt(authorities.ca),
    };
    const reset = { upn, directory: state, stations };
    await refusal(resetProvisioning(reset), 'PIN_REQUIRED');
    await resetProvisioning({ ...reset, stations: { ...stations, withPin } });
    expect(await contentsOf(directory)).toEqual([]);
    expect(await later.list()).toEqual([]);
    expect(await later.listCertificates()).toEqual([]);
    expect(await readdir(state)).not.toContain('provisioning.json');
    const { keyId } = PublicKey.parse(key.publicKey);
    const entries = await authorities.ledger.findByKey(keyId);
    expect(entries.map(({ revocation }) => revocation?.reason)).toEqual([
      'cessationOfOperation',
      'cessationOfOperation',
    ]);
  },
);

/** Has NSS find the key beside the certificate, and sign a request with it. */
async function expectNssSigns(directory: string, certificate: Uint8Array, pin: Buffer): Promise<void> {
  const { publicKey } = Certificate.parse(certificate);
  const files = await temporaryDirectory();
  const [passwords, request] = [join(files, 'passwords'), join(files, 'request')];
  await writeFile(passwords, pin);
  const database = ['-d', `sql:${directory}`, '-h', 'hello', '-f', passwords];
  const [, keyId = ''] = /^<.*>\s+\w+\s+([0-9a-f]+)\s/m.exec(await certutil(['-K', ...database])) ?? [];
  const key = ['-k', keyId, '-s', 'CN=Alice', '-Z', 'SHA256', '-o', request];
  await certutil(['-R', ...database, ...key]);
  const signed = CertificationRequest.parse(await readFile(request));
  expect(signed.publicKey.equals(publicKey)).toBe(true);
  signed.verifyProofOfPossession();
}
