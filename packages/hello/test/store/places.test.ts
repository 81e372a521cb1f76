import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRootCertificate, KeyCustody, MemoryKeyRecords, Name, type Key } from '@countersign/core';
import { besideKey, certificateFile, putInPlaces, removeFromPlaces } from '@countersign/hello/store';
import { createMemoryProvider } from '@countersign/provider-memory';
import { expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { temporaryDirectory } from '../temporary-directory.ts';

async function newKey(): Promise<Key> {
  return (await createMemoryProvider()).generate({ algorithm: 'p256' });
}

/** @returns DER */
async function certify(key: Key, at = new Date()): Promise<Uint8Array> {
  return (await createRootCertificate(key, Name.fromString('CN=Alice'), at)).der;
}

test('a certificate is put into all places, replaced in them and taken from them, as often as asked', async () => {
  const provider = await createMemoryProvider();
  const custody = new KeyCustody({ provider, records: new MemoryKeyRecords() });
  const key = await custody.generate({ algorithm: 'p256' });
  // Signed past the custody, in which a new key signs requests alone.
  const signer = await provider.open(key.ref);
  const [old, fresh] = [await certify(signer), await certify(signer, new Date('2030-01-01'))];
  const path = join(await temporaryDirectory(), 'made', 'alice.pem');
  const places = [besideKey(custody, key.ref), certificateFile(path)];
  const present = async (): Promise<Buffer[]> => [
    Buffer.from((await provider.getCertificate(key.ref)) ?? []),
    Buffer.from((await readFile(path, 'latin1')).replaceAll(/-----[A-Z ]+-----/g, ''), 'base64'),
  ];
  for (let times = 0; times < 2; times += 1) await putInPlaces(places, old);
  expect(await present()).toEqual([Buffer.from(old), Buffer.from(old)]);
  for (let times = 0; times < 2; times += 1) await putInPlaces(places, fresh, old);
  expect(await present()).toEqual([Buffer.from(fresh), Buffer.from(fresh)]);
  // What is taken away is the certificate that is named, not the one which took its place.
  await removeFromPlaces(places, old);
  expect(await present()).toEqual([Buffer.from(fresh), Buffer.from(fresh)]);
  for (let times = 0; times < 2; times += 1) await removeFromPlaces(places, fresh);
  expect(await provider.getCertificate(key.ref)).toBeUndefined();
  expect(await readdir(join(path, '..'))).toEqual([]);
  await custody.destroy(key.ref, 'test');
  await removeFromPlaces(places, fresh);
});

test('a file has the mode that was asked for', async () => {
  const folder = await temporaryDirectory();
  const certificate = await certify(await newKey());
  await certificateFile(join(folder, 'own.pem')).put(certificate);
  await certificateFile(join(folder, 'shared.pem'), { mode: 0o644 }).put(certificate);
  expect((await stat(join(folder, 'own.pem'))).mode & 0o777).toBe(0o600);
  expect((await stat(join(folder, 'shared.pem'))).mode & 0o777).toBe(0o644);
});

test.each<[string, () => Promise<string | Uint8Array>]>([
  ['a certificate for another key', async () => certify(await newKey())],
  ['something else', async () => 'export PATH=/opt/bin\n'],
  ['DER that is no certificate', async () => Uint8Array.of(0x30, 0)],
])('a file that holds %s is refused and left', async (_, content) => {
  const path = join(await temporaryDirectory(), 'alice.pem');
  await writeFile(path, await content());
  const before = await readFile(path);
  const certificate = await certify(await newKey());
  const error = await refusal(certificateFile(path).put(certificate), 'STATE_EXISTS');
  expect(error.message).toContain(path);
  await certificateFile(path).remove(certificate);
  expect(await readFile(path)).toEqual(before);
});

test('a folder that others may write to is refused', async () => {
  const folder = join(await temporaryDirectory(), 'shared');
  await mkdir(folder);
  await chmod(folder, 0o777);
  await refusal(
    certificateFile(join(folder, 'alice.pem')).put(await certify(await newKey())),
    'STATE_DAMAGED',
  );
  expect(await readdir(folder)).toEqual([]);
});

test('a certificate for another key does not get beside a key', async () => {
  const provider = await createMemoryProvider();
  const custody = new KeyCustody({ provider, records: new MemoryKeyRecords() });
  const key = await custody.generate({ algorithm: 'p256' });
  await refusal(besideKey(custody, key.ref).put(await certify(await newKey())), 'CERTIFICATE_KEY_MISMATCH');
  expect(await provider.getCertificate(key.ref)).toBeUndefined();
});
