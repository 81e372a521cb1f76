import { join } from 'node:path';
import type { DirectoryUser } from '@countersign/core';
import { createFileDirectory, type FileDirectory } from '@countersign/hello';
import { fileDirectoryTarget, KeySync, type KeySyncOptions } from '../../src/sync/index.ts';
import { alice, person } from '../people.ts';
import { temporaryDirectory } from '../temporary-directory.ts';

export const bob = person(2);

export interface SyncFixture {
  readonly folder: string;
  readonly cloud: FileDirectory;
  readonly premises: FileDirectory;
  readonly clock: { now: Date };
  readonly sync: KeySync;
  readonly options: KeySyncOptions;
}

/** Both directories with Alice and Bob, no keys, and a sync between them. */
export async function createSync(changes: Partial<KeySyncOptions> = {}): Promise<SyncFixture> {
  const folder = await temporaryDirectory();
  const clock = { now: new Date('2026-03-04T05:06:07.890Z') };
  const readClock = (): Date => clock.now;
  const [cloud, premises] = await Promise.all(
    (['cloud', 'premises'] as const).map(async (name) => {
      const directory = await createFileDirectory(join(folder, name), { clock: readClock });
      await directory.addUser(alice);
      await directory.addUser(bob);
      return directory;
    }),
  );
  if (cloud === undefined || premises === undefined) throw new Error('two directories were expected');
  const options = {
    cloud,
    premises: fileDirectoryTarget(premises),
    stateDirectory: join(folder, 'sync'),
    clock: readClock,
    ...changes,
  };
  return { folder, cloud, premises, clock, sync: new KeySync(options), options };
}

/** Who has which keys, as a text that compares. */
export function keysOf(users: readonly DirectoryUser[]): Record<string, string[]> {
  return Object.fromEntries(
    users.map(({ upn, keyCredentials }) => [upn, keyCredentials.map(({ keyId }) => keyId).toSorted()]),
  );
}
