import { PublicKey, verifySignature } from '@countersign/core';
import {
  createTpmProvider,
  getHandles,
  getProperties,
  openTransport,
  startSoftwareTpm,
  TpmCommandQueue,
} from '@countersign/provider-tpm';
import { join } from 'node:path';

export interface TpmSoakSummary {
  readonly signatures: number;
  readonly wrong: number;
  readonly seconds: number;
  readonly rssAtTenthMiB: number;
  readonly rssAtEndMiB: number;
  /** Objects and sessions that are loaded after the provider was closed. */
  readonly handlesLeft: number;
  /** What the TPM counts as wrong PINs. */
  readonly failures: number;
}

/** Signs by turns with two keys of a software TPM, and verifies each signature. */
export async function soakTpm(directory: string, signatures: number): Promise<TpmSoakSummary> {
  const tpm = await startSoftwareTpm(join(directory, 'tpm'));
  try {
    const provider = await createTpmProvider({ uri: tpm.uri, storeDirectory: join(directory, 'keys') });
    const pin = new TextEncoder().encode('482913');
    const keys = [
      await provider.generate({ algorithm: 'p256', label: 'one', pin }),
      await provider.generate({ algorithm: 'p256', label: 'other', pin }),
    ].map((key) => ({ key, publicKey: PublicKey.parse(key.publicKey) }));
    const start = performance.now();
    let wrong = 0;
    let rssAtTenth = 0;
    for (let made = 0; made < signatures; made += 1) {
      for (const { key, publicKey } of keys.slice(made % 2, (made % 2) + 1)) {
        const message = Buffer.from(`message ${made}`);
        const signature = await key.sign('ecdsa-sha256', message);
        if (!verifySignature(publicKey, 'ecdsa-sha256', message, signature)) wrong += 1;
      }
      if (made === Math.floor(signatures / 10)) rssAtTenth = process.memoryUsage().rss;
    }
    const seconds = Math.round((performance.now() - start) / 1000);
    const rss = process.memoryUsage().rss;
    await provider.close();
    return {
      signatures,
      wrong,
      seconds,
      rssAtTenthMiB: Math.round(rssAtTenth / 2 ** 20),
      rssAtEndMiB: Math.round(rss / 2 ** 20),
      ...(await whatIsLeft(tpm.uri)),
    };
  } finally {
    await tpm.stop();
  }
}

async function whatIsLeft(uri: string): Promise<Pick<TpmSoakSummary, 'handlesLeft' | 'failures'>> {
  const queue = new TpmCommandQueue(await openTransport(uri));
  try {
    const handles = [
      ...(await getHandles(queue, 'transient')),
      ...(await getHandles(queue, 'loadedSession')),
    ];
    const failures = (await getProperties(queue, 0x200)).get(0x20e) ?? 0;
    return { handlesLeft: handles.length, failures };
  } finally {
    await queue.close();
  }
}
