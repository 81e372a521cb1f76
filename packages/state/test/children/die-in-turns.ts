// Enters a lock many times. In every other turn it leaves behind what a process would that was killed while it held the
// lock, and at times also what another would that was killed while breaking that lock. A marker file shows whether two
// are ever inside at once. Removing a file is slowed down, so that whoever decides on what it has read decides late.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { open, rm, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { withLock, writeFileAtomic } from '@countersign/state';

const unlinkAtOnce = fs.promises.unlink;
fs.promises.unlink = async (path) => {
  await sleep(Math.random() * 8);
  await unlinkAtOnce(path);
};
syncBuiltinESMExports();

const [path = '', deadLock = '', turns = '0'] = process.argv.slice(2);
for (let turn = 0; turn < Number(turns); turn += 1) {
  await withLock(
    path,
    async () => {
      const marker = await open(`${path}.inside`, 'wx');
      await marker.close();
      await sleep(4);
      await rm(`${path}.inside`);
      if (turn % 2 === 0) await leaveDeadLock(turn % 4 === 0);
    },
    { timeoutMs: 60_000 },
  );
}

async function leaveDeadLock(andDeadBreaker: boolean): Promise<void> {
  const token = randomBytes(16).toString('hex');
  if (andDeadBreaker) {
    await writeFile(`${path}.break-${token}`, withToken(randomBytes(16).toString('hex')));
  }
  await writeFileAtomic(path, withToken(token));
}

function withToken(token: string): string {
  return deadLock.replace(/"token":"[0-9a-f]{32}"/, `"token":"${token}"`);
}
