import { execFileSync } from 'node:child_process';
import { lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createFileExclusive,
  readFileBytes,
  readFileIfExists,
  removeFileDurably,
  removeLeftovers,
  writeFileAtomic,
} from '@countersign/state';
import { expect, onTestFinished, test } from 'vitest';
import { refusal } from './refusal.ts';
import { temporaryDirectory } from './temporary-directory.ts';

test('writes text and bytes, replaces what is there and leaves nothing else', async () => {
  const directory = await temporaryDirectory();
  const path = join(directory, 'file');
  await writeFileAtomic(path, 'first');
  expect(await readFile(path, 'utf8')).toBe('first');
  await writeFileAtomic(path, Uint8Array.of(0, 255, 7));
  expect(await readFileBytes(path)).toEqual(Uint8Array.of(0, 255, 7));
  await writeFileAtomic(path, '');
  expect(await readFileBytes(path)).toEqual(new Uint8Array());
  expect(await readdir(directory)).toEqual(['file']);
});

test('the mode is 0600 or what was asked for, whatever the umask and the old file', async () => {
  const path = join(await temporaryDirectory(), 'file');
  await writeFile(path, 'old', { mode: 0o666 });
  await writeFileAtomic(path, 'new');
  expect((await stat(path)).mode & 0o7777).toBe(0o600);
  await writeFileAtomic(path, 'new', { mode: 0o664 });
  expect((await stat(path)).mode & 0o7777).toBe(0o664);
});

test('a symbolic link is replaced, what it points at is not touched', async () => {
  const directory = await temporaryDirectory();
  const path = join(directory, 'file');
  await writeFile(join(directory, 'target'), 'target');
  await symlink(join(directory, 'target'), path);
  await writeFileAtomic(path, 'new');
  expect((await lstat(path)).isFile()).toBe(true);
  expect(await readFile(join(directory, 'target'), 'utf8')).toBe('target');
});

test('refusals say the reason in words and leave no temporary file', async () => {
  const directory = await temporaryDirectory();
  const missing = await refusal(async () => writeFileAtomic(join(directory, 'no', 'file'), 'x'));
  expect(missing.code).toBe('FILE_UNWRITABLE');
  expect(missing.message).toContain('does not exist (ENOENT)');
  await mkdir(join(directory, 'taken'));
  const taken = await refusal(async () => writeFileAtomic(join(directory, 'taken'), 'x'));
  expect(taken.code).toBe('FILE_UNWRITABLE');
  expect(taken.message).toContain('it is a directory');
  await writeFile(join(directory, 'plain'), '');
  const below = await refusal(async () => createFileExclusive(join(directory, 'plain', 'file'), 'x'));
  expect(below.message).toContain('ENOTDIR');
  expect((await refusal(async () => removeFileDurably(join(directory, 'taken')))).code).toBe(
    'FILE_UNWRITABLE',
  );
  expect((await readdir(directory)).toSorted()).toEqual(['plain', 'taken']);
});

test('of many that create the same file, one succeeds and its content stands', async () => {
  const directory = await temporaryDirectory();
  const path = join(directory, 'file');
  const outcomes = await Promise.allSettled(
    Array.from({ length: 30 }, async (_, index) => createFileExclusive(path, `number ${index}`)),
  );
  const winners = outcomes.flatMap((outcome, index) => (outcome.status === 'fulfilled' ? [index] : []));
  expect(winners).toHaveLength(1);
  expect(await readFile(path, 'utf8')).toBe(`number ${winners[0]}`);
  expect((await refusal(async () => createFileExclusive(path, 'late'))).code).toBe('STATE_EXISTS');
  await symlink(join(directory, 'nowhere'), join(directory, 'dangling'));
  expect((await refusal(async () => createFileExclusive(join(directory, 'dangling'), 'x'))).code).toBe(
    'STATE_EXISTS',
  );
  expect((await readdir(directory)).toSorted()).toEqual(['dangling', 'file']);
});

test('removing is fine with a file that is missing', async () => {
  const directory = await temporaryDirectory();
  await writeFile(join(directory, 'file'), 'x');
  await removeFileDurably(join(directory, 'file'));
  await removeFileDurably(join(directory, 'file'));
  await removeFileDurably(join(directory, 'no', 'file'));
  expect(await readdir(directory)).toEqual([]);
});

test('reading tells a missing file from one that cannot be read', async () => {
  const directory = await temporaryDirectory();
  const path = join(directory, 'file');
  expect(await readFileIfExists(path)).toBeUndefined();
  const missing = await refusal(async () => readFileBytes(path));
  expect(missing.code).toBe('FILE_UNREADABLE');
  expect(missing.message).toContain(path);
  expect((await refusal(async () => readFileIfExists(directory))).code).toBe('FILE_UNREADABLE');
});

test('reading stops at the limit, also where the size is not known beforehand', async () => {
  const path = join(await temporaryDirectory(), 'file');
  await writeFile(path, Buffer.alloc(10_001, 7));
  expect(await readFileBytes(path, { maxBytes: 10_001 })).toEqual(new Uint8Array(10_001).fill(7));
  expect((await refusal(async () => readFileIfExists(path, { maxBytes: 10_000 }))).code).toBe(
    'FILE_UNREADABLE',
  );
  expect((await refusal(async () => readFileBytes('/dev/zero', { maxBytes: 100_000 }))).code).toBe(
    'FILE_UNREADABLE',
  );
  expect(await readFileBytes('/dev/null', { maxBytes: 0 })).toEqual(new Uint8Array());
});

test('only our own temporary files are leftovers', async () => {
  const directory = await temporaryDirectory();
  const ours = `.countersign-${'0'.repeat(32)}.tmp`;
  for (const name of [ours, '.countersign-0.tmp', 'file.tmp', `x${ours}`, `${ours}x`]) {
    await writeFile(join(directory, name), '');
    execFileSync('touch', ['-d', '2 hours ago', join(directory, name)]);
  }
  await mkdir(join(directory, `.countersign-${'1'.repeat(32)}.tmp`));
  await removeLeftovers(directory);
  expect((await readdir(directory)).toSorted()).toEqual(
    [
      '.countersign-0.tmp',
      `.countersign-${'1'.repeat(32)}.tmp`,
      'file.tmp',
      `x${ours}`,
      `${ours}x`,
    ].toSorted(),
  );
  await removeLeftovers(join(directory, 'missing'));
});

test('a full disk leaves the old file as it was', async (context) => {
  const directory = await temporaryDirectory();
  const mounted = join(directory, 'small');
  await mkdir(mounted);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=0700', 'tmpfs', mounted], { stdio: 'ignore' });
  } catch {
    context.skip('mounting a small tmpfs takes root on Linux');
  }
  onTestFinished(() => {
    execFileSync('umount', [mounted]);
  });
  const path = join(mounted, 'file');
  await writeFileAtomic(path, 'old');
  const error = await refusal(async () => writeFileAtomic(path, 'x'.repeat(200_000)));
  expect(error.code).toBe('FILE_UNWRITABLE');
  expect(error.message).toContain('no space is left on the file system (ENOSPC)');
  expect(await readFile(path, 'utf8')).toBe('old');
  expect((await refusal(async () => createFileExclusive(`${path}2`, 'x'.repeat(200_000)))).code).toBe(
    'FILE_UNWRITABLE',
  );
  expect(await readdir(mounted)).toEqual(['file']);
  await writeFileAtomic(path, 'new');
  expect(await readFile(path, 'utf8')).toBe('new');
});
