import { KeyCustody } from '@countersign/core';
import { FileKeyRecords } from '@countersign/state';
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
