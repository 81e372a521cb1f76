import {
  createMemoryProvider,
  type MemoryProvider,
  type MemoryProviderOptions,
} from '@countersign/provider-memory';
import { isPinProtected, type Key, type PinProtected } from '@countersign/core';
import { onTestFinished } from 'vitest';

/** A provider whose sealing costs next to nothing, closed when the test ends. */
export async function quickProvider(options: MemoryProviderOptions = {}): Promise<MemoryProvider> {
  const provider = await createMemoryProvider({ sealing: { scryptCost: { N: 16, r: 1, p: 1 } }, ...options });
  onTestFinished(async () => provider.close());
  return provider;
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export async function openProtected(provider: MemoryProvider, ref: string): Promise<Key & PinProtected> {
  const key = await provider.open(ref);
  if (!isPinProtected(key)) throw new Error(`${ref} has no PIN`);
  return key;
}
