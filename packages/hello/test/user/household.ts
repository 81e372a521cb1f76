import { join } from 'node:path';
import { KeyCustody } from '@countersign/core';
import {
  createFileDirectory,
  openFileDirectory,
  PinHistory,
  ProvisioningJournal,
  provision,
  type FileDirectory,
} from '@countersign/hello';
import { certificateFile, putInPlaces, type CertificatePlace } from '@countersign/hello/store';
import { createMemoryProvider, type MemoryProvider } from '@countersign/provider-memory';
import { FileKeyRecords } from '@countersign/state';
import { alice } from '../people.ts';
import type { Authorities } from './authorities.ts';

export const pin = Buffer.from('482913');
export const upn = alice.upn;
export const withPin = async <T>(_: unknown, use: (pin: Uint8Array) => Promise<T>): Promise<T> =>
  use(Buffer.from(pin));

/** All that one user has, in the files of one folder, so that processes can follow each other. */
export interface Household {
  /** Where the journals are. */
  readonly state: string;
  readonly provider: MemoryProvider;
  readonly custody: KeyCustody;
  readonly cloud: FileDirectory;
  readonly premises: FileDirectory;
  readonly pemPath: string;
  readonly places: readonly CertificatePlace[];
  readonly history: PinHistory;
}

export async function openHousehold(folder: string): Promise<Household> {
  const provider = await createMemoryProvider({
    storeDirectory: join(folder, 'keys'),
    sealing: { scryptCost: { N: 16, r: 1, p: 1 } },
  });
  const state = join(folder, 'state');
  const pemPath = join(folder, 'files', 'alice.pem');
  return {
    state,
    provider,
    custody: new KeyCustody({ provider, records: new FileKeyRecords(state) }),
    cloud: await openFileDirectory(join(folder, 'cloud')),
    premises: await openFileDirectory(join(folder, 'premises')),
    pemPath,
    places: [certificateFile(pemPath)],
    history: new PinHistory(state, { N: 16, r: 1, p: 1 }),
  };
}

/** Makes the folder a household with a user in both directories, and nothing provisioned. */
export async function foundHousehold(folder: string): Promise<Household> {
  for (const name of ['cloud', 'premises']) {
    const directory = await createFileDirectory(join(folder, name));
    await directory.addUser(alice);
  }
  return openHousehold(folder);
}

/** @returns the certificate, DER */
export async function provisionAlice(
  household: Household,
  authorities: Authorities,
  upTo: 'the end' | 'the key' = 'the end',
): Promise<Uint8Array> {
  const { custody, cloud, premises } = household;
  const outcome = await provision({
    upn,
    journal: new ProvisioningJournal(household.state),
    clock: authorities.clock,
    stations: {
      checkPrerequisites: async () => [],
      authenticate: async () => ({
        upn,
        accessToken: '',
        primaryRefreshToken: { token: '', sessionKey: new Uint8Array(32) },
      }),
      withPin,
      custody,
      algorithm: 'p256',
      register: async (publicKey) => {
        if (upTo === 'the key') throw new Error('cut off');
        await cloud.registerKey(upn, publicKey);
        return { keyId: (await premises.registerKey(upn, publicKey)).keyId, receipt: undefined };
      },
      enroll: async (request) => ({ kind: 'issued', certificate: await authorities.enroll(request, upn) }),
    },
  });
  const certificate = outcome.kind === 'complete' ? outcome.certificate : undefined;
  if (certificate === undefined) throw new Error('provisioning was to be complete');
  await putInPlaces(household.places, certificate);
  await household.history.remember(pin, authorities.clock(), { history: 3 });
  return certificate;
}
