import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFileDirectory, openFileDirectory } from '@countersign/hello';
import { expect, test } from 'vitest';
import { alice, newPublicKey, person } from './people.ts';
import { refusal } from './refusal.ts';
import { temporaryDirectory } from './temporary-directory.ts';

test('a new directory is a folder of mode 0700 with a file of mode 0600', async () => {
  const path = join(await temporaryDirectory(), 'below', 'directory');
  await createFileDirectory(path);
  expect((await stat(path)).mode & 0o777).toBe(0o700);
  expect((await stat(join(path, 'directory.json'))).mode & 0o777).toBe(0o600);
});

test('a directory is not made where there is one, nor opened where there is none', async () => {
  const path = await temporaryDirectory();
  await refusal(openFileDirectory(path), 'STATE_MISSING');
  await refusal(openFileDirectory(join(path, 'nowhere')), 'STATE_MISSING');
  const directory = await createFileDirectory(path);
  await directory.addUser(alice);
  await refusal(createFileDirectory(path), 'STATE_EXISTS');
  expect(await directory.list()).toHaveLength(1);
});

test('a folder that others may write to is refused', async () => {
  const path = await temporaryDirectory();
  await createFileDirectory(path);
  await chmod(path, 0o777);
  await refusal(openFileDirectory(path), 'STATE_DAMAGED');
  await chmod(path, 0o700);
  await openFileDirectory(path);
});

test('a directory that went missing while it was open is missing, not empty', async () => {
  const path = await temporaryDirectory();
  const directory = await createFileDirectory(path);
  await directory.addUser(alice);
  await rm(join(path, 'directory.json'));
  await refusal(directory.findByUpn(alice.upn), 'STATE_MISSING');
  await refusal(directory.addUser(person(1)), 'STATE_MISSING');
  expect(await readdir(path)).not.toContain('directory.json');
});

test('a file where a folder belongs cannot be read', async () => {
  const path = join(await temporaryDirectory(), 'directory');
  await mkdir(join(path, 'directory.json'), { recursive: true, mode: 0o700 });
  await refusal(openFileDirectory(path), 'FILE_UNREADABLE');
});

test('a file cut off at whatever octet is refused', async () => {
  const { path, file, whole } = await directoryOfTwo();
  for (let length = 0; length < whole.length - 1; length++) {
    await writeFile(file, whole.subarray(0, length));
    await refusal(openFileDirectory(path), 'STATE_DAMAGED');
  }
  await writeFile(file, whole);
  expect(await (await openFileDirectory(path)).list()).toHaveLength(2);
});

test.each<[string, (text: string) => string]>([
  ['no JSON', () => 'users'],
  ['another format', (text) => text.replace('countersign-directory', 'countersign-ca')],
  ['a newer version', (text) => text.replace('"version":1', '"version":2')],
  ['an unknown field', (text) => text.replace('"version":1', '"version":1,"more":1')],
  ['an unknown field of a user', (text) => text.replace('"upn"', '"admin":true,"upn"')],
  ['a user without SID', (text) => text.replace(/"sid":"[^"]*",/u, '')],
  ['a malformed SID', (text) => text.replace('S-1-5', 'X-1-5')],
  ['a user twice', (text) => text.replace(/(?<user>\{"upn".*\}),\n/u, '$<user>,\n$<user>,\n')],
  ['a key twice', (text) => text.replace(/(?<key>\{"keyId"[^}]*\})/u, '$<key>,$<key>')],
  ['a key of another id', (text) => text.replace(/"keyId":"./u, '"keyId":"x')],
  ['a key that is no base64', (text) => text.replace(/"publicKey":"../u, '"publicKey":"?!')],
  ['a time that is none', (text) => text.replace(/"registeredAt":"[^"]*"/u, '"registeredAt":"yesterday"')],
  ['something after the end', (text) => `${text}{}`],
])('a file with %s is refused, and left as it is', async (_, alter) => {
  const { path, file, whole } = await directoryOfTwo();
  const altered = alter(whole.toString());
  expect(altered).not.toBe(whole.toString());
  await writeFile(file, altered);
  await refusal(openFileDirectory(path), 'STATE_DAMAGED');
  expect(await readFile(file, 'utf8')).toBe(altered);
});

test('a change behind its back is seen at the next look, and damage stops every change', async () => {
  const { path, file, whole } = await directoryOfTwo();
  const directory = await openFileDirectory(path);
  expect(await directory.findByUpn(alice.upn)).toBeDefined();
  await writeFile(file, whole.toString().replaceAll(alice.upn, 'alicia@corp.test'));
  expect(await directory.findByUpn(alice.upn)).toBeUndefined();
  expect(await directory.findByUpn('alicia@corp.test')).toBeDefined();
  await writeFile(file, 'damaged');
  await refusal(directory.findByUpn(alice.upn), 'STATE_DAMAGED');
  await refusal(directory.addUser(person(9)), 'STATE_DAMAGED');
  expect(await readFile(file, 'utf8')).toBe('damaged');
});

async function directoryOfTwo(): Promise<{ path: string; file: string; whole: Buffer }> {
  const path = await temporaryDirectory();
  const directory = await createFileDirectory(path);
  await directory.addUser(alice);
  await directory.registerKey(alice.upn, newPublicKey());
  await directory.addUser(person(1));
  const file = join(path, 'directory.json');
  return { path, file, whole: await readFile(file) };
}
