import { chmod, chown, mkdir, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { defaultStateDirectory, ensurePrivateDirectory } from '@countersign/state';
import { expect, test } from 'vitest';
import { refusal } from './refusal.ts';
import { temporaryDirectory } from './temporary-directory.ts';

test('makes the directory and those above it for this user alone, and accepts it again', async () => {
  const base = await temporaryDirectory();
  const path = join(base, 'a', 'b', 'c');
  await ensurePrivateDirectory(path);
  await ensurePrivateDirectory(path);
  for (const made of [path, join(base, 'a', 'b'), join(base, 'a')]) {
    expect((await stat(made)).mode & 0o7777).toBe(0o700);
  }
});

test('accepts a directory that others may read, refuses one that they may write', async () => {
  const path = join(await temporaryDirectory(), 'd');
  await mkdir(path);
  await chmod(path, 0o755);
  await ensurePrivateDirectory(path);
  for (const mode of [0o770, 0o707, 0o777, 0o1777]) {
    await chmod(path, mode);
    const error = await refusal(async () => ensurePrivateDirectory(path));
    expect(error.code).toBe('STATE_DAMAGED');
    expect(error.message).toContain(`mode ${mode.toString(8).padStart(4, '0')}`);
    expect(error.hint).toContain('chmod 0700');
  }
});

test('refuses what is not a directory', async () => {
  const path = join(await temporaryDirectory(), 'file');
  await writeFile(path, '');
  expect((await refusal(async () => ensurePrivateDirectory(path))).code).toBe('STATE_DAMAGED');
  expect((await refusal(async () => ensurePrivateDirectory(join(path, 'below')))).code).toBe(
    'FILE_UNWRITABLE',
  );
});

test.skipIf(process.getuid?.() !== 0)("refuses another user's directory (takes root to set up)", async () => {
  const base = await temporaryDirectory();
  await chmod(base, 0o755);
  const path = join(base, 'd');
  await mkdir(path, { mode: 0o700 });
  await chown(path, 12_345, 12_345);
  // Root may use it: it can do so anyway.
  await ensurePrivateDirectory(path);
  process.seteuid?.(23_456);
  try {
    const error = await refusal(async () => ensurePrivateDirectory(path));
    expect(error.code).toBe('STATE_DAMAGED');
    expect(error.message).toContain('belongs to user 12345');
  } finally {
    process.seteuid?.(0);
  }
});

test('the default follows XDG_STATE_HOME where that is absolute', () => {
  expect(defaultStateDirectory({ XDG_STATE_HOME: '/var/state', HOME: '/home/u' })).toBe(
    '/var/state/countersign',
  );
  expect(defaultStateDirectory({ XDG_STATE_HOME: 'relative', HOME: '/home/u' })).toBe(
    '/home/u/.local/state/countersign',
  );
  expect(defaultStateDirectory({ HOME: '/home/u' })).toBe('/home/u/.local/state/countersign');
  expect(defaultStateDirectory({})).toBe(join(homedir(), '.local/state/countersign'));
});
