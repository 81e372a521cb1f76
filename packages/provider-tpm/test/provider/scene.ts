import { isPinProtected, type Key, type PinProtected } from '@countersign/core';
import {
  createTpmProvider,
  getHandles,
  getProperties,
  type CommandChannel,
  type TpmProvider,
  type TpmProviderOptions,
} from '@countersign/provider-tpm';
import { expect, onTestFinished } from 'vitest';
import { dictionaryAttackParameters, SessionPool } from '../../src/session/index.ts';
import { lockout } from '../session/keys.ts';
import { startSwtpm, type Swtpm, type SwtpmOptions } from '../start-swtpm.ts';
import { Relay } from './relay.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** A TPM of its own, a way to watch it, and a directory for keys. All ends with the test. */
export interface Scene {
  readonly tpm: Swtpm;
  readonly relay: Relay;
  readonly storeDirectory: string;
  /** A provider that reaches the TPM through the relay. */
  readonly provider: (options?: TpmProviderOptions) => Promise<TpmProvider>;
}

export async function makeScene(options: SwtpmOptions = {}): Promise<Scene> {
  const tpm = await startTpm(options);
  const relay = await Relay.start(tpm);
  const storeDirectory = await temporaryDirectory();
  return {
    tpm,
    relay,
    storeDirectory,
    provider: async (more) => openProvider({ uri: relay.uri, storeDirectory, ...more }),
  };
}

export async function startTpm(options: SwtpmOptions = {}): Promise<Swtpm> {
  const tpm = await startSwtpm(options);
  onTestFinished(async () => tpm.stop());
  return tpm;
}

export async function openProvider(options: TpmProviderOptions): Promise<TpmProvider> {
  const provider = await createTpmProvider(options);
  onTestFinished(async () => provider.close());
  return provider;
}

export async function openGuarded(provider: TpmProvider, ref: string): Promise<Key & PinProtected> {
  const key = await provider.open(ref);
  if (!isPinProtected(key)) throw new Error('the key came back without a PIN');
  return key;
}

/** Of the objects and sessions that a program leaves in the TPM's memory. */
export async function expectNothingLeft(channel: CommandChannel): Promise<void> {
  expect(await getHandles(channel, 'transient')).toEqual([]);
  expect(await getHandles(channel, 'loadedSession')).toEqual([]);
  expect(await getHandles(channel, 'savedSession')).toEqual([]);
}

/** TPM_PT_LOCKOUT_COUNTER. */
export async function failures(channel: CommandChannel): Promise<number> {
  const counter = (await getProperties(channel, 0x200)).get(0x20e);
  if (counter === undefined) throw new Error('the TPM has no lockout counter');
  return counter;
}

/** What an administrator does: how many wrong PINs, and how soon they are forgotten. */
export async function setTries(
  channel: CommandChannel,
  maxTries: number,
  recoverySeconds: number,
): Promise<void> {
  await asAdministrator(channel, async (pool) =>
    dictionaryAttackParameters(pool, lockout, { maxTries, recoverySeconds, lockoutRecoverySeconds: 1 }),
  );
}

export async function asAdministrator(
  channel: CommandChannel,
  work: (pool: SessionPool) => Promise<void>,
): Promise<void> {
  const pool = new SessionPool(channel, { salt: 'unsalted' });
  try {
    await work(pool);
  } finally {
    await pool.close();
  }
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
