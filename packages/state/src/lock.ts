import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CountersignError } from '@countersign/core';
import { readLock, releaseLock, removeDeadLock, tryCreateLock } from './lock-file.ts';
import { isDead, type LockOwner } from './lock-owner.ts';

export interface LockOptions {
  /** How long to wait for another holder; default 10 000. */
  readonly timeoutMs?: number;
}

/**
 * Does `work` while holding the lock file `path`: no other process and no other task of this process that asks for the
 * same path works meanwhile. The lock of a process that died is broken. Not reentrant: `work` must not ask for the same
 * lock. The directory must exist, on a local file system.
 * @throws CountersignError `STATE_LOCKED`, naming the holder, when the time is over; `STATE_DAMAGED` if the lock file is
 * not one; whatever `work` throws.
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const file = resolve(path);
  const timeoutMs = options.timeoutMs ?? 10_000;
  const deadline = performance.now() + timeoutMs;
  const leave = await enterQueue(file, deadline, timeoutMs);
  try {
    const owner = await acquire(file, deadline, timeoutMs);
    try {
      return await work();
    } finally {
      await releaseLock(file, owner);
    }
  } finally {
    leave();
  }
}

async function acquire(file: string, deadline: number, timeoutMs: number): Promise<LockOwner> {
  for (;;) {
    const owner = await tryCreateLock(file);
    if (owner !== undefined) return owner;
    const holder = await readLock(file);
    if (holder === undefined) continue;
    if (isDead(holder) && (await removeDeadLock(file, file, holder))) continue;
    if (performance.now() >= deadline) throw stateLocked(file, timeoutMs, holder.pid);
    await pause(deadline);
  }
}

/** Waits a little, by chance longer or shorter, so that waiting processes do not try in step. */
async function pause(deadline: number): Promise<void> {
  const waitMs = 2 + Math.random() * 18;
  await sleep(Math.max(0, Math.min(waitMs, deadline - performance.now())));
}

/** The last task of this process that asked for each lock file, whether it waits or works. */
const queues = new Map<string, Promise<void>>();

/** Tasks of one process take turns in the order in which they came, without polling the file system. */
async function enterQueue(file: string, deadline: number, timeoutMs: number): Promise<() => void> {
  const before = queues.get(file);
  const turn = Promise.withResolvers<void>();
  const tail = before === undefined ? turn.promise : before.then(() => turn.promise);
  queues.set(file, tail);
  const leave = (): void => {
    turn.resolve();
    if (queues.get(file) === tail) queues.delete(file);
  };
  if (before !== undefined && !(await settlesInTime(before, deadline))) {
    // The place in the queue is kept until those before are done, then passed over.
    void before.then(leave);
    throw stateLocked(file, timeoutMs, process.pid);
  }
  return leave;
}

async function settlesInTime(before: Promise<void>, deadline: number): Promise<boolean> {
  const timer = new AbortController();
  const timedOut = sleep(Math.max(0, deadline - performance.now()), false, { signal: timer.signal }).catch(
    () => false,
  );
  const inTime = await Promise.race([before.then(() => true), timedOut]);
  timer.abort();
  return inTime;
}

function stateLocked(file: string, timeoutMs: number, pid: number): CountersignError {
  const holder = pid === process.pid ? `this process (${pid})` : `process ${pid}`;
  return new CountersignError(
    'STATE_LOCKED',
    `${file} is locked by ${holder}; it was not released within ${timeoutMs} ms`,
    `Wait for ${holder} to finish. If it ended without releasing the lock, as in a container that is gone, remove the file.`,
  );
}
