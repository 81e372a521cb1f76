import type { Stats } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { CountersignError } from '@countersign/core';
import { syncDirectory } from './atomic-file.ts';
import { fileUnwritable } from './file-error.ts';

/**
 * Makes a directory, and the ones above it that are missing, for this user alone (mode 0700). One that exists is
 * accepted if nobody else can write to it.
 * @throws CountersignError `STATE_DAMAGED` if the path is no directory, belongs to someone else or is writable by
 * group or others; `FILE_UNWRITABLE` if it cannot be made.
 */
export async function ensurePrivateDirectory(path: string): Promise<void> {
  const directory = resolve(path);
  let found = await statIfExists(directory);
  if (found === undefined) {
    await makeDirectory(directory);
    found = await statIfExists(directory);
  }
  if (found === undefined || !found.isDirectory()) {
    throw notUsable(
      directory,
      'is not a directory',
      'Move what is there out of the way, or name another directory.',
    );
  }
  checkPrivate(directory, found);
}

/** `$XDG_STATE_HOME/countersign` if that variable is an absolute path (XDG Base Directory), else `~/.local/state/countersign`. */
export function defaultStateDirectory(env: NodeJS.ProcessEnv = process.env): string {
  const stateHome = env['XDG_STATE_HOME'];
  if (stateHome !== undefined && isAbsolute(stateHome)) return join(stateHome, 'countersign');
  const home = env['HOME'];
  return join(home !== undefined && isAbsolute(home) ? home : homedir(), '.local', 'state', 'countersign');
}

async function makeDirectory(directory: string): Promise<void> {
  try {
    const firstMade = await mkdir(directory, { recursive: true, mode: 0o700 });
    if (firstMade === undefined) return;
    // Each new name is an entry of the directory above it, which has to reach the disk too.
    for (let made = directory; made.length >= firstMade.length; made = dirname(made)) {
      await syncDirectory(dirname(made));
    }
  } catch (error) {
    if (error instanceof CountersignError) throw error;
    throw fileUnwritable(directory, 'make the directory', error);
  }
}

async function statIfExists(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw fileUnwritable(path, 'use the directory', error);
  }
}

function checkPrivate(directory: string, found: Stats): void {
  // Windows has neither these modes nor user numbers; access there is by the profile's access control list.
  const ownUser = process.geteuid?.();
  if (ownUser === undefined) return;
  if (ownUser !== 0 && found.uid !== ownUser && found.uid !== 0) {
    throw notUsable(
      directory,
      `belongs to user ${found.uid}, not to this user (${ownUser})`,
      'Run as the owner, or name another directory.',
    );
  }
  if ((found.mode & 0o022) !== 0) {
    const mode = (found.mode & 0o7777).toString(8).padStart(4, '0');
    throw notUsable(
      directory,
      `is writable by its group or by others (mode ${mode}), so its content cannot be trusted`,
      `Check what lies in it, then run: chmod 0700 '${directory}'`,
    );
  }
}

function notUsable(directory: string, found: string, hint: string): CountersignError {
  return new CountersignError('STATE_DAMAGED', `${directory} ${found}`, hint);
}
