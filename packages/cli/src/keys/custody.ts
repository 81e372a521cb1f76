import { CountersignError, isPinProtected, KeyCustody } from '@countersign/core';
import { FileKeyRecords } from '@countersign/state';
import { withPin, type PinOptions } from '../terminal/pin.ts';
import { openProvider } from './provider-access.ts';

/** Opens the custody of the keys that a URI's provider holds, with the records of the person who runs the command. */
export async function withCustody<T>(uri: string, use: (custody: KeyCustody) => Promise<T>): Promise<T> {
  const provider = await openProvider(uri);
  try {
    return await use(new KeyCustody({ provider, records: new FileKeyRecords() }));
  } finally {
    await provider.close();
  }
}

/**
 * Does something to a key that some providers want its PIN for, such as writing beside it on a token. The PIN is asked
 * for only by those.
 */
export async function unlockedIfWanted<T>(
  custody: KeyCustody,
  ref: string,
  options: PinOptions,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CountersignError) || error.code !== 'PIN_REQUIRED') throw error;
    const key = await custody.provider.open(ref);
    if (!isPinProtected(key)) throw error;
    await withPin(`the key ${key.label || key.ref}`, options, (pin) => key.unlock(pin));
    try {
      return await work();
    } finally {
      key.lock();
    }
  }
}
