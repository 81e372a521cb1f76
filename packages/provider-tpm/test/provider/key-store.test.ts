import { copyFile, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTpmUri } from '@countersign/provider-tpm';
import { expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { makeScene, openGuarded, utf8, type Scene } from './scene.ts';
import { verifies } from './verifies.ts';

const pin = utf8('482913');
const message = utf8('message');

test('a directory holds for each key one file, for its user alone, and the binding to the TPM', async () => {
  const scene = await makeScene();
  const provider = await scene.provider();
  const key = await provider.generate({ algorithm: 'p256', label: 'künftig 𝄞', pin });
  expect(await readdir(scene.storeDirectory)).toEqual([`${idOf(key.ref)}.tss2.pem`, 'tpm.json'].toSorted());
  for (const name of await readdir(scene.storeDirectory)) {
    expect((await stat(join(scene.storeDirectory, name))).mode & 0o077).toBe(0);
  }
  const file = await readFile(fileOf(scene, key.ref), 'latin1');
  expect(file).toMatch(/^Label: "k\\u00fcnftig \\ud834\\udd1e"\n-----BEGIN TSS2 PRIVATE KEY-----\n/);
  expect((await provider.open(key.ref)).label).toBe('künftig 𝄞');
});

test('a file that was damaged, or renamed, is told as that, and the others stay whole', async () => {
  const scene = await makeScene();
  const provider = await scene.provider();
  const key = await provider.generate({ algorithm: 'p256', pin });
  const other = await provider.generate({ algorithm: 'p256', pin });
  const path = fileOf(scene, key.ref);
  const file = await readFile(path);
  const otherFile = await readFile(fileOf(scene, other.ref));
  for (const damaged of [new Uint8Array(), file.subarray(0, -2), otherFile, utf8('hello')]) {
    await writeFile(path, damaged);
    const error = await refusal(async () => provider.open(key.ref));
    expect(error.code).toBe('KEY_STORE_DAMAGED');
    expect(error.message).toContain(path);
    expect((await refusal(async () => key.unlock(pin))).code).toBe('KEY_STORE_DAMAGED');
    expect(await readFile(path)).toEqual(Buffer.from(damaged));
  }
  await writeFile(path, file);
  const elsewhere = join(scene.storeDirectory, `${'0'.repeat(32)}.tss2.pem`);
  await rename(path, elsewhere);
  const renamed = await refusal(async () => provider.open(`tpm:id=${'0'.repeat(32)}`));
  expect(renamed.code).toBe('KEY_STORE_DAMAGED');
  expect(renamed.message).toContain(idOf(key.ref));
  await rename(elsewhere, path);
  await key.unlock(pin);
  expect(verifies('ecdsa-sha256', key.publicKey, message, await key.sign('ecdsa-sha256', message))).toBe(
    true,
  );
});

test('the private area of another key is not taken, and the TPM says so', async () => {
  const scene = await makeScene();
  const provider = await scene.provider();
  const key = await provider.generate({ algorithm: 'p256', pin });
  const exported = Buffer.from(await provider.exportKeyFile(key.ref)).toString('latin1');
  const der = Buffer.from(exported.replaceAll(/-----.*/g, ''), 'base64');
  der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1);
  await provider.destroy(key.ref);
  const error = await refusal(async () => provider.importKeyFile(der));
  expect(error.code).toBe('KEY_HELD_ELSEWHERE');
  expect(await provider.list()).toEqual([]);
});

test('what was exported is imported again, under its label or another', async () => {
  const scene = await makeScene();
  const provider = await scene.provider();
  const key = await provider.generate({ algorithm: 'p256', label: 'ä', pin });
  const file = await provider.exportKeyFile(key.ref);
  expect((await refusal(async () => provider.importKeyFile(file))).code).toBe('KEY_EXISTS');
  await provider.destroy(key.ref);
  const ref = await provider.importKeyFile(file);
  expect(ref).toBe(key.ref);
  const again = await openGuarded(provider, ref);
  expect(again.label).toBe('ä');
  await again.unlock(pin);
  expect(verifies('ecdsa-sha256', key.publicKey, message, await again.sign('ecdsa-sha256', message))).toBe(
    true,
  );
  await provider.destroy(ref);
  expect((await provider.open(await provider.importKeyFile(file, 'another'))).label).toBe('another');
  expect(Buffer.from(await provider.exportKeyFile(ref)).toString('latin1')).toContain('Label: "another"');
});

test('the copied directory of another TPM is refused, whole or in parts', async () => {
  const scene = await makeScene();
  const provider = await scene.provider();
  const key = await provider.generate({ algorithm: 'p256', pin });
  const file = await provider.exportKeyFile(key.ref);
  const foreign = await makeScene();
  const error = await refusal(async () => foreign.provider({ storeDirectory: scene.storeDirectory }));
  expect(error.code).toBe('KEY_HELD_ELSEWHERE');
  expect(error.message).toContain(scene.storeDirectory);
  const its = await foreign.provider();
  expect((await refusal(async () => its.importKeyFile(file))).code).toBe('KEY_HELD_ELSEWHERE');
  expect(await its.list()).toEqual([]);
  await copyFile(fileOf(scene, key.ref), fileOf(foreign, key.ref));
  const smuggled = await openGuarded(its, `tpm:id=${idOf(key.ref)}`);
  expect((await refusal(async () => smuggled.unlock(pin))).code).toBe('TPM_REFUSED');
});

test('a damaged binding is told, and nothing is believed instead', async () => {
  const scene = await makeScene();
  await (await scene.provider()).close();
  const path = join(scene.storeDirectory, 'tpm.json');
  const binding = await readFile(path, 'utf8');
  for (const damaged of ['', '{}', binding.slice(0, -5), binding.replace('"version": 1', '"version": 2')]) {
    await writeFile(path, damaged);
    expect((await refusal(async () => scene.provider())).code).toBe('STATE_DAMAGED');
    expect(await readFile(path, 'utf8')).toBe(damaged);
  }
});

function idOf(ref: string): string {
  const { id } = parseTpmUri(ref);
  if (id === undefined) throw new Error('the reference has no id');
  return id;
}

function fileOf({ storeDirectory }: Scene, ref: string): string {
  return join(storeDirectory, `${idOf(ref)}.tss2.pem`);
}
