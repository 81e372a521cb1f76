import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { CountersignError } from '@countersign/core';
import { errnoOf } from './file-error.ts';
import { JsonObject, parseJsonDocument } from './json-document.ts';

/** Who holds a lock. The fields that tell a process from a later one of the same pid are known on Linux only. */
export interface LockOwner {
  readonly pid: number;
  /** Clock ticks from boot to the start of the process (proc_pid_stat(5), field 22). */
  readonly startTime: string | undefined;
  readonly bootId: string | undefined;
  /** A pid means something only within its pid namespace, that is its container. */
  readonly pidNamespace: string | undefined;
  /** 32 hex digits, never used twice: no lock is ever mistaken for another. */
  readonly token: string;
}

export function thisOwner(): LockOwner {
  return { ...thisProcess(), token: randomBytes(16).toString('hex') };
}

/** `dead` only if that is certain: whatever cannot be judged from here counts as alive. */
export function isDead(owner: LockOwner): boolean {
  const here = thisProcess();
  if (owner.bootId !== undefined && here.bootId !== undefined && owner.bootId !== here.bootId) return true;
  if (owner.pidNamespace !== here.pidNamespace) return false;
  if (!processExists(owner.pid)) return true;
  const found = readProcessStat(owner.pid);
  if (found === undefined) return false;
  if (found.state === 'Z' || found.state === 'X') return true;
  return owner.startTime !== undefined && owner.startTime !== found.startTime;
}

export function encodeLockOwner(owner: LockOwner): string {
  return `${JSON.stringify(owner)}\n`;
}

/** @throws CountersignError `STATE_DAMAGED`: lock files are put in place whole, so anything else is not ours. */
export function parseLockOwner(bytes: Uint8Array, path: string): LockOwner {
  const document = JsonObject.from(parseJsonDocument(bytes, path), path);
  const owner = {
    pid: document.integer('pid', { min: 1 }),
    startTime: document.optionalString('startTime'),
    bootId: document.optionalString('bootId'),
    pidNamespace: document.optionalString('pidNamespace'),
    token: document.string('token'),
  };
  document.end();
  if (!/^[0-9a-f]{32}$/.test(owner.token)) {
    throw new CountersignError(
      'STATE_DAMAGED',
      `${path} is not a lock file of Countersign: its token is not 32 hex digits`,
      'Make sure that no other program uses this name, then remove the file.',
    );
  }
  return owner;
}

interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: string | undefined;
  readonly bootId: string | undefined;
  readonly pidNamespace: string | undefined;
}

let cachedIdentity: ProcessIdentity | undefined;

function thisProcess(): ProcessIdentity {
  cachedIdentity ??= {
    pid: process.pid,
    startTime: readProcessStat(process.pid)?.startTime,
    bootId: readIfPossible(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    pidNamespace: readIfPossible(() => readlinkSync('/proc/self/ns/pid')),
  };
  return cachedIdentity;
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists and belongs to someone else.
    return errnoOf(error) !== 'ESRCH';
  }
}

function readProcessStat(pid: number): { readonly state: string; readonly startTime: string } | undefined {
  const text = readIfPossible(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (text === undefined) return undefined;
  // Field 2 is the command in parentheses and may hold anything, so fields are counted from its last parenthesis.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const startTime = fields[22 - 3];
  return state === undefined || startTime === undefined ? undefined : { state, startTime };
}

function readIfPossible(read: () => string): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return read();
  } catch {
    // Not visible from here (no /proc, hidepid, gone): the caller judges without it.
    return undefined;
  }
}
