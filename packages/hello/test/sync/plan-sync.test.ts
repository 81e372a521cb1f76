import type { DirectoryUser } from '@countersign/core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { planSync, type SyncedKey } from '../../src/sync/index.ts';
import { person } from '../people.ts';

const keyIds = ['a', 'b', 'c', 'd', 'e', 'f'];
const registeredAt = new Date('2026-01-01T00:00:00Z');

/** Who has each key: a user, or nobody. */
type Owners = readonly (number | undefined)[];

const owners: fc.Arbitrary<Owners> = fc.array(fc.option(fc.nat(2), { nil: undefined }), {
  minLength: keyIds.length,
  maxLength: keyIds.length,
});

function users(numbers: readonly number[], owned: Owners): DirectoryUser[] {
  return numbers.map((number) => ({
    ...person(number),
    groups: [],
    keyCredentials: keyIds
      .filter((_, index) => owned[index] === number)
      .map((keyId) => ({ keyId, publicKey: Uint8Array.of(1), registeredAt })),
  }));
}

function synced(owned: Owners): SyncedKey[] {
  return keyIds.flatMap((keyId, index) => {
    const owner = owned[index];
    return owner === undefined ? [] : [{ upn: person(owner).upn, keyId }];
  });
}

/** The directory once the plan is carried out. */
function carriedOut(premises: readonly DirectoryUser[], plan: ReturnType<typeof planSync>): DirectoryUser[] {
  return premises.map((user) => ({
    ...user,
    keyCredentials: [
      ...user.keyCredentials.filter(
        ({ keyId }) => !plan.removals.some((key) => key.keyId === keyId && key.upn === user.upn),
      ),
      ...plan.additions.filter(({ upn }) => upn === user.upn).map(({ credential }) => credential),
    ],
  }));
}

test('once a plan is carried out, there is nothing left to do, and every key has one owner', () => {
  fc.assert(
    fc.property(
      owners,
      owners,
      owners,
      fc.subarray([0, 1, 2]),
      (cloudKeys, premisesKeys, before, present) => {
        const cloud = users([0, 1, 2], cloudKeys);
        const premises = users(present, premisesKeys);
        const plan = planSync(cloud, premises, synced(before));
        const after = carriedOut(premises, plan);
        const all = after.flatMap(({ keyCredentials }) => keyCredentials.map(({ keyId }) => keyId));
        expect(new Set(all).size).toBe(all.length);
        const known = [
          ...plan.kept,
          ...plan.additions.map(({ upn, credential: { keyId } }) => ({ upn, keyId })),
        ];
        const again = planSync(cloud, after, known);
        expect([again.removals, again.additions]).toEqual([[], []]);
        expect(again.refused).toEqual(plan.refused);
      },
    ),
  );
});

test('whatever part of a plan was carried out, planning again leads to the same end', () => {
  fc.assert(
    fc.property(owners, owners, owners, fc.nat(12), (cloudKeys, premisesKeys, before, steps) => {
      const [cloud, premises] = [users([0, 1, 2], cloudKeys), users([0, 1, 2], premisesKeys)];
      const plan = planSync(cloud, premises, synced(before));
      // What was planned was written down before the first step.
      const known = [
        ...synced(before),
        ...plan.additions.map(({ upn, credential: { keyId } }) => ({ upn, keyId })),
      ];
      const part = {
        ...plan,
        removals: plan.removals.slice(0, steps),
        additions: plan.additions.slice(0, Math.max(0, steps - plan.removals.length)),
      };
      const half = carriedOut(premises, part);
      const end = carriedOut(half, planSync(cloud, half, known));
      expect(holdings(end)).toEqual(holdings(carriedOut(premises, plan)));
    }),
  );
});

test('nothing that the sync did not bring is ever taken away', () => {
  fc.assert(
    fc.property(owners, owners, owners, (cloudKeys, premisesKeys, before) => {
      const plan = planSync(users([0, 1, 2], cloudKeys), users([0, 1, 2], premisesKeys), synced(before));
      for (const removal of plan.removals) expect(synced(before)).toContainEqual(removal);
    }),
  );
});

function holdings(directory: readonly DirectoryUser[]): string[][] {
  return directory.map(({ keyCredentials }) => keyCredentials.map(({ keyId }) => keyId).toSorted());
}
