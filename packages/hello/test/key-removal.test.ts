import { createFileDirectory, openFileDirectory } from '@countersign/hello';
import { expect, test } from 'vitest';
import { alice, newPublicKey, person } from './people.ts';
import { refusal } from './refusal.ts';
import { temporaryDirectory } from './temporary-directory.ts';

test('a key that was removed is gone, its neighbours stay, and another user may have it', async () => {
  const path = await temporaryDirectory();
  const directory = await createFileDirectory(path);
  await directory.addUser(alice);
  await directory.addUser(person(1));
  const [first, second] = [newPublicKey(), newPublicKey()];
  const { keyId } = await directory.registerKey(alice.upn, first);
  const kept = await directory.registerKey(alice.upn, second);
  await directory.removeKey('ALICE@corp.test', keyId);
  await directory.removeKey(alice.upn, keyId);
  const reopened = await openFileDirectory(path);
  expect((await reopened.findByUpn(alice.upn))?.keyCredentials).toEqual([kept]);
  expect((await reopened.registerKey(person(1).upn, first)).keyId).toBe(keyId);
  await reopened.removeKey(alice.upn, keyId);
  expect((await reopened.findByUpn(person(1).upn))?.keyCredentials).toHaveLength(1);
  await refusal(directory.removeKey('nobody@corp.test', keyId), 'USER_NOT_FOUND');
});

test('a key keeps the time at which it was registered elsewhere', async () => {
  const directory = await createFileDirectory(await temporaryDirectory());
  await directory.addUser(alice);
  const registeredAt = new Date('2025-06-07T08:09:10.111Z');
  await directory.registerKey(alice.upn, newPublicKey(), registeredAt);
  expect((await directory.findByUpn(alice.upn))?.keyCredentials[0]?.registeredAt).toEqual(registeredAt);
});

test('who has the directory open sees every removal, and what takes its place', async () => {
  const path = await temporaryDirectory();
  const [reader, writer] = [await createFileDirectory(path), await openFileDirectory(path)];
  await writer.addUser(alice);
  let keyId: string | undefined;
  for (let round = 0; round < 20; round++) {
    if (keyId !== undefined) await writer.removeKey(alice.upn, keyId);
    expect((await reader.findByUpn(alice.upn))?.keyCredentials).toEqual([]);
    ({ keyId } = await writer.registerKey(alice.upn, newPublicKey()));
    expect((await reader.findByUpn(alice.upn))?.keyCredentials).toMatchObject([{ keyId }]);
  }
});
