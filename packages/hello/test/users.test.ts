import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DirectoryUser } from '@countersign/core';
import { createFileDirectory, openFileDirectory, type NewDirectoryUser } from '@countersign/hello';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { alice, newPublicKey, person } from './people.ts';
import { refusal } from './refusal.ts';
import { temporaryDirectory } from './temporary-directory.ts';

describe('a user', () => {
  test('is found by UPN and account, whatever the case, also by who opens the directory later', async () => {
    const path = await temporaryDirectory();
    const directory = await createFileDirectory(path);
    const added = await directory.addUser(alice);
    expect(added).toEqual({ ...alice, keyCredentials: [] });
    for (const one of [directory, await openFileDirectory(path)]) {
      expect(await one.findByUpn('ALICE@Corp.Test')).toEqual(added);
      expect(await one.findByAccount(String.raw`corp\ALICE`)).toEqual(added);
      expect(await one.findByUpn('bob@corp.test')).toBeUndefined();
      expect(await one.findByAccount('alice')).toBeUndefined();
      expect(await one.list()).toEqual([added]);
    }
  });

  test('comes back as it was added, in whatever script the names are', async () => {
    const letters = fc.string({
      unit: fc.constantFrom('a', 'Z', 'é', '日', 'ß', '😀', '7'),
      minLength: 1,
      maxLength: 12,
    });
    const path = await temporaryDirectory();
    const directory = await createFileDirectory(path);
    const added: DirectoryUser[] = [];
    await fc.assert(
      fc.asyncProperty(letters, async (name) => {
        const number = added.length;
        const user = {
          ...person(number),
          groups: [`S-1-5-21-1-2-3-${5000 + number}`],
          upn: `${name}${number}@corp.test`,
          distinguishedName: `CN=${name}${number},OU=a\\,b\\20,DC=corp`,
        };
        added.push(await directory.addUser(user));
        expect(added.at(-1)).toEqual({ ...user, keyCredentials: [] });
      }),
      { numRuns: 40 },
    );
    expect(await (await openFileDirectory(path)).list()).toEqual(added);
  });

  test.each<[string, Partial<NewDirectoryUser>]>([
    ['UPN', { upn: 'Alice@CORP.test' }],
    ['SID', { sid: alice.sid }],
    ['distinguished name', { distinguishedName: 'cn=alice example, ou=USERS, dc=Corp, dc=test' }],
    ['account', { account: String.raw`corp\Alice` }],
  ])('is refused who has the %s of another, however it is spelled', async (_, changes) => {
    const path = await temporaryDirectory();
    const directory = await createFileDirectory(path);
    await directory.addUser(alice);
    const before = await readFile(join(path, 'directory.json'));
    const error = await refusal(directory.addUser({ ...person(7), ...changes }), 'USER_EXISTS');
    expect(error.message).toContain(alice.upn);
    expect(await readFile(join(path, 'directory.json'))).toEqual(before);
    expect(await readdir(path)).toEqual(['directory.json']);
  });

  test.each<[keyof NewDirectoryUser, string]>([
    ['upn', ''],
    ['upn', 'alice'],
    ['upn', '@corp.test'],
    ['upn', 'alice@'],
    ['upn', 'a@b@c'],
    ['upn', 'alice smith@corp.test'],
    ['upn', 'alice@corp..test'],
    ['upn', '.alice@corp.test'],
    ['upn', 'alice\u0000@corp.test'],
    ['upn', 'alice\n@corp.test'],
    ['upn', `${'a'.repeat(1020)}@corp.test`],
    ['sid', ''],
    ['sid', 'S-1'],
    ['sid', 'S-1-5'],
    ['sid', 'S-2-5-21-1'],
    ['sid', 's-1-5-21-1'],
    ['sid', 'S-1-5-21-4294967296'],
    ['sid', 'S-1-281474976710656-1'],
    ['sid', 'S-1-5-021-1'],
    ['sid', 'S-1-5-21-'],
    ['sid', 'S-1-5-21--1'],
    ['sid', 'S-1-5-21-1 '],
    ['sid', `S-1-5${'-1'.repeat(16)}`],
    ['distinguishedName', ''],
    ['distinguishedName', 'Alice'],
    ['distinguishedName', 'CN='],
    ['distinguishedName', 'CN=Alice,'],
    ['distinguishedName', 'CN=Alice,,DC=test'],
    ['distinguishedName', 'CN=Ali;ce'],
    ['distinguishedName', 'CN=A\u0007'],
    ['distinguishedName', `CN=${'a'.repeat(65)}`],
    ['distinguishedName', 'FOO=bar'],
    ['account', ''],
    ['account', 'alice'],
    ['account', String.raw`CORP\ `.trim()],
    ['account', String.raw`\alice`],
    ['account', String.raw`CORP\a\b`],
    ['account', String.raw`SIXTEENCHARACTER\alice`],
    ['account', String.raw`CO RP\alice`],
    ['account', String.raw`CORP\al/ice`],
    ['account', String.raw`CORP\alice.`],
    ['account', String.raw`CORP\alice@corp`],
    ['account', `CORP\\${'a'.repeat(257)}`],
  ])('is refused with the %s %j, and nothing is written', async (field, value) => {
    const path = await temporaryDirectory();
    const directory = await createFileDirectory(path);
    const before = await readFile(join(path, 'directory.json'));
    await refusal(directory.addUser({ ...alice, [field]: value }), 'USER_MALFORMED');
    expect(await readFile(join(path, 'directory.json'))).toEqual(before);
    expect(await readdir(path)).toEqual(['directory.json']);
  });
});

describe('groups', () => {
  const admins = 'S-1-5-32-544';
  const users = 'S-1-5-21-1-2-3-513';

  test('are kept once each, and those added later stand beside the ones before', async () => {
    const path = await temporaryDirectory();
    const directory = await createFileDirectory(path);
    await directory.addUser({ ...alice, groups: [users, users] });
    expect((await directory.addToGroups(alice.upn, [admins, users])).groups).toEqual([users, admins]);
    expect((await (await openFileDirectory(path)).findByUpn(alice.upn))?.groups).toEqual([users, admins]);
  });

  test('are refused where they are no SIDs, or there is no such user', async () => {
    const path = await temporaryDirectory();
    const directory = await createFileDirectory(path);
    const wrong = { ...alice, groups: ['Domain Admins'] };
    await refusal(directory.addUser(wrong), 'USER_MALFORMED');
    await directory.addUser(alice);
    await refusal(directory.addToGroups(alice.upn, ['S-1-5']), 'USER_MALFORMED');
    await refusal(directory.addToGroups('bob@corp.test', [admins]), 'USER_NOT_FOUND');
    expect((await directory.findByUpn(alice.upn))?.groups).toEqual(alice.groups);
  });
});

describe('a key credential', () => {
  test('is registered with its SHA-256 and the time, and found by who opens the directory later', async () => {
    const path = await temporaryDirectory();
    const now = new Date('2026-02-03T04:05:06.789Z');
    const directory = await createFileDirectory(path, { clock: () => now });
    await directory.addUser(alice);
    const publicKey = newPublicKey();
    const credential = await directory.registerKey('Alice@corp.test', publicKey);
    expect(credential).toMatchObject({ publicKey, registeredAt: now });
    expect(credential.keyId).toMatch(/^[0-9a-f]{64}$/u);
    const reopened = await openFileDirectory(path);
    expect((await reopened.findByUpn(alice.upn))?.keyCredentials).toEqual([credential]);
  });

  test('registered again is left as it is', async () => {
    let now = new Date('2026-01-01T00:00:00Z');
    const directory = await createFileDirectory(await temporaryDirectory(), { clock: () => now });
    await directory.addUser(alice);
    const publicKey = newPublicKey();
    const first = await directory.registerKey(alice.upn, publicKey);
    now = new Date('2027-01-01T00:00:00Z');
    expect(await directory.registerKey(alice.upn, publicKey)).toEqual(first);
    expect((await directory.findByUpn(alice.upn))?.keyCredentials).toHaveLength(1);
  });

  test('stands beside the others of the same user', async () => {
    const directory = await createFileDirectory(await temporaryDirectory());
    await directory.addUser(alice);
    const keys = [newPublicKey(), newPublicKey(), newPublicKey()];
    for (const key of keys) await directory.registerKey(alice.upn, key);
    const found = (await directory.findByUpn(alice.upn))?.keyCredentials;
    expect(found?.map(({ publicKey }) => publicKey)).toEqual(keys);
  });

  test('of another user is refused, since a key stands for one person', async () => {
    const directory = await createFileDirectory(await temporaryDirectory());
    await directory.addUser(alice);
    await directory.addUser(person(1));
    const publicKey = newPublicKey();
    await directory.registerKey(alice.upn, publicKey);
    const error = await refusal(directory.registerKey(person(1).upn, publicKey), 'KEY_REGISTERED_TO_ANOTHER');
    expect(error.message).toContain(alice.upn);
    expect((await directory.findByUpn(person(1).upn))?.keyCredentials).toEqual([]);
  });

  test('of nobody is refused', async () => {
    const directory = await createFileDirectory(await temporaryDirectory());
    await refusal(directory.registerKey(alice.upn, newPublicKey()), 'USER_NOT_FOUND');
  });

  test('that is no sound public key is refused', async () => {
    const directory = await createFileDirectory(await temporaryDirectory());
    await directory.addUser(alice);
    const offCurve = newPublicKey();
    offCurve.set([(offCurve.at(-1) ?? 0) ^ 1], offCurve.length - 1);
    await refusal(directory.registerKey(alice.upn, offCurve), 'KEY_POINT_INVALID');
    await refusal(directory.registerKey(alice.upn, Uint8Array.of(0x30, 0)), 'DER_MALFORMED');
    await refusal(
      directory.registerKey(alice.upn, Buffer.concat([newPublicKey(), Buffer.of(0)])),
      'DER_MALFORMED',
    );
  });
});

test('what is handed out is a copy that nobody can change the directory with', async () => {
  const directory = await createFileDirectory(await temporaryDirectory());
  await directory.addUser(alice);
  const publicKey = newPublicKey();
  await directory.registerKey(alice.upn, publicKey);
  const [handedOut] = (await directory.findByUpn(alice.upn))?.keyCredentials ?? [];
  handedOut?.publicKey.fill(0);
  handedOut?.registeredAt.setTime(0);
  const [kept] = (await directory.findByUpn(alice.upn))?.keyCredentials ?? [];
  expect(kept?.publicKey).toEqual(publicKey);
  expect(kept?.registeredAt.getTime()).toBeGreaterThan(0);
  publicKey.fill(0);
  expect((await directory.findByUpn(alice.upn))?.keyCredentials[0]?.publicKey).not.toEqual(publicKey);
});
