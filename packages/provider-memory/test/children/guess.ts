// Tries a PIN so many times and writes what came of each try, one code a line.
import { CountersignError, isPinProtected } from '@countersign/core';
import { createMemoryProvider } from '@countersign/provider-memory';

const [storeDirectory = '', ref = '', pin = '', times = '0'] = process.argv.slice(2);
const provider = await createMemoryProvider({ storeDirectory });
const key = await provider.open(ref);
if (!isPinProtected(key)) throw new Error('the key has no PIN');
for (let done = 0; done < Number(times); done += 1) {
  process.stdout.write(`${await outcome()}\n`);
}

async function outcome(): Promise<string> {
  try {
    await unlock();
    return 'unlocked';
  } catch (error) {
    if (error instanceof CountersignError) return error.code;
    throw error;
  }
}

async function unlock(): Promise<void> {
  if (isPinProtected(key)) await key.unlock(new TextEncoder().encode(pin));
}
