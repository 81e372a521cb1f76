import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withLock } from '@countersign/state';

/**
 * Waits until no other trial domain of this machine has the ports of a domain controller, and holds them.
 * @returns lets go of them
 * @throws CountersignError `STATE_LOCKED`, naming the process that holds them, when the time is over
 */
export async function holdFixedPorts(timeoutMs: number): Promise<() => Promise<void>> {
  const held = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const ended = withLock(
    join(tmpdir(), 'countersign-samba-ports.lock'),
    async () => {
      held.resolve();
      await release.promise;
    },
    { timeoutMs },
  );
  await Promise.race([held.promise, ended]);
  return async () => {
    release.resolve();
    await ended;
  };
}
