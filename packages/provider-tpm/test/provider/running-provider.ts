import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createTpmProvider,
  getHandles,
  getProperties,
  openTransport,
  TpmCommandQueue,
  type TpmProvider,
  type TpmProviderOptions,
} from '@countersign/provider-tpm';
import { PublicKey, verifySignature, type Key, type SignatureScheme } from '@countersign/core';
import { onTestFinished } from 'vitest';
import {
  dictionaryAttackLockReset,
  dictionaryAttackParameters,
  entityNamedByHandle,
  permanentHandles,
  SessionPool,
} from '../../src/session/index.ts';
import { startSwtpm, type Swtpm, type SwtpmOptions } from '../start-swtpm.ts';

export const pin = new TextEncoder().encode('482913');
export const message = new TextEncoder().encode('a message');

/** A software TPM that ends with the test. */
export async function swtpm(options: SwtpmOptions = {}): Promise<Swtpm> {
  const tpm = await startSwtpm(options);
  onTestFinished(async () => tpm.stop());
  return tpm;
}

/** A provider on a TPM, closed when the test ends, its keys in a directory that goes then. */
export async function providerOn(
  tpm: Pick<Swtpm, 'uri'>,
  options: Partial<TpmProviderOptions> = {},
): Promise<TpmProvider> {
  const storeDirectory = options.storeDirectory ?? (await temporaryDirectory());
  const provider = await createTpmProvider({ uri: tpm.uri, ...options, storeDirectory });
  onTestFinished(async () => provider.close());
  return provider;
}

export async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'countersign-tpm-keys-'));
  onTestFinished(async () => rm(path, { recursive: true, force: true }));
  return path;
}

export async function verifies(key: Key, scheme: SignatureScheme, signed = message): Promise<boolean> {
  const signature = await key.sign(scheme, signed);
  return verifySignature(PublicKey.parse(key.publicKey), scheme, signed, signature);
}

/** Looks at a TPM past any provider. A swtpm has one client: the provider must be closed. */
export async function inspect<T>(tpm: Swtpm, look: (queue: TpmCommandQueue) => Promise<T>): Promise<T> {
  const queue = new TpmCommandQueue(await openTransport(tpm.uri));
  try {
    return await look(queue);
  } finally {
    await queue.close();
  }
}

/** Handles of what is loaded, which a closed provider has left none of. */
export async function leftovers(tpm: Swtpm): Promise<readonly number[]> {
  return inspect(tpm, async (queue) => [
    ...(await getHandles(queue, 'transient')),
    ...(await getHandles(queue, 'loadedSession')),
    ...(await getHandles(queue, 'savedSession')),
  ]);
}

/** TPM_PT_LOCKOUT_COUNTER. */
export async function failureCount(tpm: Swtpm): Promise<number | undefined> {
  return inspect(tpm, async (queue) => (await getProperties(queue, 0x200)).get(0x20e));
}

const lockout = {
  ...entityNamedByHandle(permanentHandles.lockout),
  authorization: { kind: 'hmac', authValue: new Uint8Array() },
} as const;

/** What a TPM's administrator may do. */
export async function allowFailures(tpm: Swtpm, maxTries: number, recoverySeconds: number): Promise<void> {
  await administer(tpm, async (pool) =>
    dictionaryAttackParameters(pool, lockout, { maxTries, recoverySeconds, lockoutRecoverySeconds: 0 }),
  );
}

export async function resetLockout(tpm: Swtpm): Promise<void> {
  await administer(tpm, async (pool) => dictionaryAttackLockReset(pool, lockout));
}

export async function administer(tpm: Swtpm, work: (pool: SessionPool) => Promise<void>): Promise<void> {
  await inspect(tpm, async (queue) => {
    const pool = new SessionPool(queue, { salt: 'unsalted' });
    try {
      await work(pool);
    } finally {
      await pool.close();
    }
  });
}
