// Adds 1 to the number in a file, so many times, under a lock.
import { readFile, writeFile } from 'node:fs/promises';
import { withLock } from '@countersign/state';

const [path = '', times = '0'] = process.argv.slice(2);
for (let done = 0; done < Number(times); done += 1) {
  await withLock(
    `${path}.lock`,
    async () => {
      const count = Number(await readFile(path, 'utf8'));
      await writeFile(path, String(count + 1));
    },
    { timeoutMs: 60_000 },
  );
}
