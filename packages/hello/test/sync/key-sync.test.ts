import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CountersignError } from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { KeySync } from '../../src/sync/index.ts';
import { alice, newPublicKey, person } from '../people.ts';
import { refusal } from '../refusal.ts';
import { bob, createSync, keysOf } from './directories.ts';

describe('a run', () => {
  test('brings each key to its user, as registered at its time', async () => {
    const { cloud, premises, clock, sync } = await createSync();
    const keys = [newPublicKey(), newPublicKey(), newPublicKey()];
    const registered = [];
    for (const [index, key] of keys.entries()) {
      registered.push(await cloud.registerKey(index === 2 ? bob.upn : alice.upn, key));
    }
    clock.now = new Date(clock.now.getTime() + 60_000);
    expect(await sync.run()).toMatchObject({ added: 3, removed: 0, refused: 0, failure: undefined });
    expect((await premises.findByUpn(alice.upn))?.keyCredentials).toEqual(registered.slice(0, 2));
    expect((await premises.findByUpn(bob.upn))?.keyCredentials).toEqual(registered.slice(2));
  });

  test('that finds everything done changes nothing', async () => {
    const { folder, cloud, sync } = await createSync();
    await cloud.registerKey(alice.upn, newPublicKey());
    await sync.run();
    const file = join(folder, 'premises', 'directory.json');
    const before = [await readFile(file, 'utf8'), (await stat(file, { bigint: true })).mtimeNs];
    expect(await sync.run()).toMatchObject({ added: 0, removed: 0, refused: 0 });
    expect([await readFile(file, 'utf8'), (await stat(file, { bigint: true })).mtimeNs]).toEqual(before);
  });

  test('takes away what is gone from the cloud, and brings it back when it is there again', async () => {
    const { cloud, premises, sync } = await createSync();
    const key = newPublicKey();
    const { keyId } = await cloud.registerKey(alice.upn, key);
    await sync.run();
    await cloud.removeKey(alice.upn, keyId);
    expect(await sync.run()).toMatchObject({ added: 0, removed: 1 });
    expect(keysOf(await premises.list())).toEqual({ [alice.upn]: [], [bob.upn]: [] });
    await cloud.registerKey(alice.upn, key);
    expect(await sync.run()).toMatchObject({ added: 1, removed: 0 });
    expect(keysOf(await premises.list())).toEqual({ [alice.upn]: [keyId], [bob.upn]: [] });
  });

  test('leaves alone what was registered on premises, also if it was in the cloud for a while', async () => {
    const { cloud, premises, sync } = await createSync();
    const [own, both] = [newPublicKey(), newPublicKey()];
    const ids = [];
    for (const key of [own, both]) ids.push((await premises.registerKey(alice.upn, key)).keyId);
    const { keyId } = await cloud.registerKey(alice.upn, both);
    expect(await sync.run()).toMatchObject({ added: 0, removed: 0, refused: 0 });
    await cloud.removeKey(alice.upn, keyId);
    expect(await sync.run()).toMatchObject({ added: 0, removed: 0, refused: 0 });
    expect(keysOf(await premises.list())[alice.upn]).toEqual(ids.toSorted());
  });

  test('moves a key that passed from one user to another', async () => {
    const { cloud, premises, sync } = await createSync();
    const key = newPublicKey();
    const { keyId } = await cloud.registerKey(alice.upn, key);
    await sync.run();
    await cloud.removeKey(alice.upn, keyId);
    await cloud.registerKey(bob.upn, key);
    expect(await sync.run()).toMatchObject({ added: 1, removed: 1, refused: 0 });
    expect(keysOf(await premises.list())).toEqual({ [alice.upn]: [], [bob.upn]: [keyId] });
  });

  test('refuses keys of users that are others or unknown on premises, and brings the rest', async () => {
    const { cloud, premises, sync } = await createSync();
    const taken = newPublicKey();
    await premises.registerKey(bob.upn, taken);
    await premises.addUser({ ...person(7), sid: 'S-1-5-21-9-9-9-7' });
    await cloud.addUser(person(7));
    await cloud.addUser(person(8));
    const fine = await cloud.registerKey(alice.upn, newPublicKey());
    await cloud.registerKey(alice.upn, taken);
    await cloud.registerKey(person(7).upn, newPublicKey());
    await cloud.registerKey(person(8).upn, newPublicKey());
    const { added, refusedKeys } = await sync.run();
    expect(added).toBe(1);
    expect(
      refusedKeys.map(({ upn, reason }) => [upn, /SID|no such user|registered for/u.exec(reason)?.[0]]),
    ).toEqual([
      [alice.upn, 'registered for'],
      [person(7).upn, 'SID'],
      [person(8).upn, 'no such user'],
    ]);
    expect(keysOf(await premises.list())[alice.upn]).toEqual([fine.keyId]);
  });

  test('goes on with the other keys when one is overtaken by a change on premises', async () => {
    const { cloud, premises, options } = await createSync();
    const [first, second] = [newPublicKey(), newPublicKey()];
    const { keyId } = await cloud.registerKey(alice.upn, first);
    await cloud.registerKey(alice.upn, second);
    const addKeyCredential: typeof options.premises.addKeyCredential = async (upn, credential) => {
      if (credential.keyId === keyId) await premises.registerKey(bob.upn, first);
      await options.premises.addKeyCredential(upn, credential);
    };
    const sync = new KeySync({ ...options, premises: { ...options.premises, addKeyCredential } });
    expect(await sync.run()).toMatchObject({ added: 1, refused: 1 });
    // The key is Bob's own: it stays when it goes from the cloud.
    await cloud.removeKey(alice.upn, keyId);
    expect(await sync.run()).toMatchObject({ added: 0, removed: 0, refused: 0 });
    expect(keysOf(await premises.list())[bob.upn]).toEqual([keyId]);
  });
});

describe('the state file', () => {
  test('shows the last run and the next', async () => {
    const { cloud, clock, sync } = await createSync({ intervalMs: 45 * 60_000 });
    expect(await sync.status()).toEqual({
      lastRun: undefined,
      begunAt: undefined,
      nextRunAt: undefined,
      keys: [],
    });
    const { keyId } = await cloud.registerKey(alice.upn, newPublicKey());
    await sync.run();
    expect(await sync.status()).toEqual({
      lastRun: {
        startedAt: clock.now,
        endedAt: clock.now,
        failure: undefined,
        added: 1,
        removed: 0,
        refused: 0,
      },
      begunAt: undefined,
      nextRunAt: new Date(clock.now.getTime() + 45 * 60_000),
      keys: [{ upn: alice.upn, keyId }],
    });
    expect(sync.intervalMs).toBe(45 * 60_000);
    expect((await createSync()).sync.intervalMs).toBe(30 * 60_000);
  });

  test('shows that a run failed, and the next one makes up for it', async () => {
    const { cloud, premises, options, sync } = await createSync();
    for (let i = 0; i < 3; i++) await cloud.registerKey(alice.upn, newPublicKey());
    let calls = 0;
    const addKeyCredential: typeof options.premises.addKeyCredential = async (upn, credential) => {
      if (++calls === 2) throw new CountersignError('FILE_UNWRITABLE', 'the disk is full', 'Make room.');
      await options.premises.addKeyCredential(upn, credential);
    };
    const failing = new KeySync({ ...options, premises: { ...options.premises, addKeyCredential } });
    await refusal(failing.run(), 'FILE_UNWRITABLE');
    expect((await sync.status()).lastRun).toMatchObject({ failure: 'the disk is full', added: 1 });
    expect(await sync.run()).toMatchObject({ added: 2, failure: undefined });
    expect(keysOf(await premises.list())).toEqual(keysOf(await cloud.list()));
  });

  test('that is damaged stops the sync, and stays as it is', async () => {
    const { folder, cloud, sync } = await createSync();
    const { keyId } = await cloud.registerKey(alice.upn, newPublicKey());
    await sync.run();
    const path = join(folder, 'sync', 'key-sync.json');
    const whole = await readFile(path, 'utf8');
    for (const damaged of [
      whole.slice(0, -3),
      whole.replace(keyId, 'x'),
      whole.replace('"version":1', '"version":2'),
    ]) {
      await writeFile(path, damaged);
      await refusal(sync.run(), 'STATE_DAMAGED');
      expect(await readFile(path, 'utf8')).toBe(damaged);
    }
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test.each([0, -1, 1.5, 2 ** 31, Number.NaN])('takes no interval of %d ms', async (intervalMs) => {
    await refusal(createSync({ intervalMs }), 'VALUE_OUT_OF_RANGE');
  });
});

test('two runs at once take turns', async () => {
  const { cloud, premises, options } = await createSync();
  for (let i = 0; i < 4; i++) await cloud.registerKey(alice.upn, newPublicKey());
  const results = await Promise.all([new KeySync(options).run(), new KeySync(options).run()]);
  expect(results.map(({ added }) => added).toSorted((a, b) => a - b)).toEqual([0, 4]);
  expect(keysOf(await premises.list())).toEqual(keysOf(await cloud.list()));
});
