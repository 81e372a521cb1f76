import { createHash, createPublicKey, verify } from 'node:crypto';
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createMemoryProvider, type MemoryProvider } from '@countersign/provider-memory';
import { expect, test } from 'vitest';
import { openProtected, quickProvider, utf8 } from './quick-provider.ts';
import { refusal } from './refusal.ts';
import { temporaryDirectory } from './temporary-directory.ts';

interface Fixture {
  readonly provider: MemoryProvider;
  readonly ref: string;
  readonly path: string;
  readonly original: Buffer;
}

test('every altered byte and every cut of the file is refused before a PIN is tried', async () => {
  const { provider, ref, path, original } = await sealedKey();
  const damages = [...original.keys()].flatMap((at) => [
    original.subarray(0, at),
    withBitFlipped(original, at, 1),
    withBitFlipped(original, at, 0x20),
  ]);
  for (const damaged of [...damages, Buffer.concat([original, Buffer.from('\n')])]) {
    await writeFile(path, damaged);
    const error = await refusal(async () => provider.open(ref));
    expect(error.code).toBe('KEY_STORE_DAMAGED');
    expect(error.message).toContain(path);
  }
  expect((await refusal(async () => provider.list())).code).toBe('KEY_STORE_DAMAGED');
  await writeFile(path, original);
  const key = await openProtected(provider, ref);
  expect(await key.retriesLeft()).toBe(32);
  await key.unlock(utf8('123456'));
});

test('a file altered under an open key is refused, and no try is lost', async () => {
  const { provider, ref, path, original } = await sealedKey();
  const key = await openProtected(provider, ref);
  await writeFile(path, original.subarray(0, 100));
  expect((await refusal(async () => key.unlock(utf8('123456')))).code).toBe('KEY_STORE_DAMAGED');
  await rm(path);
  expect((await refusal(async () => key.unlock(utf8('123456')))).code).toBe('KEY_NOT_FOUND');
  await writeFile(path, original);
  expect(await key.retriesLeft()).toBe(32);
});

test('a forger who mends the checksum gets no key: authenticated fields are found out by the tag', async () => {
  const fixture = await sealedKey();
  const other = await sealedKey();
  const otherDocument = fieldsOf(other.original);
  const forgeries: readonly [string, (document: Record<string, unknown>) => void][] = [
    ['label', (document) => (document['label'] = 'another')],
    ['createdAt', (document) => (document['createdAt'] = '2001-01-01T00:00:00.000Z')],
    ['algorithm', (document) => (document['algorithm'] = 'p384')],
    ['publicKey', (document) => (document['publicKey'] = otherDocument['publicKey'])],
    ['ciphertext', (document) => (document['ciphertext'] = otherDocument['ciphertext'])],
    ['tag', (document) => (document['tag'] = otherDocument['tag'])],
    ['nonce', (document) => (document['cipher'] = { name: 'aes-256-gcm', nonce: 'AAAAAAAAAAAAAAAA' })],
  ];
  for (const [field, forge] of forgeries) {
    await writeFile(fixture.path, mended(fixture.original, forge));
    const key = await openProtected(fixture.provider, fixture.ref);
    const error = await refusal(async () => key.unlock(utf8('123456')));
    expect([field, error.code]).toEqual([field, 'KEY_STORE_DAMAGED']);
    expect(key.locked).toBe(true);
    expect(await key.retriesLeft()).toBe(32);
  }
});

test('a forger who changes what the PIN is checked with gets a wrong PIN, counted', async () => {
  const { provider, ref, path, original } = await sealedKey();
  const zeros = Buffer.alloc(32).toString('base64');
  for (const change of [{ N: 32 }, { r: 2 }, { p: 2 }, { salt: zeros }, { keyCheck: zeros }]) {
    await writeFile(
      path,
      mended(original, (document) => {
        document['kdf'] = Object.assign({}, document['kdf'], change);
      }),
    );
    const key = await openProtected(provider, ref);
    expect((await refusal(async () => key.unlock(utf8('123456')))).code).toBe('PIN_INCORRECT');
  }
  expect(await (await openProtected(provider, ref)).retriesLeft()).toBe(27);
});

test('scrypt costs that would exhaust memory or time are refused unread', async () => {
  const { provider, ref, path, original } = await sealedKey();
  const hostile = [
    { N: 2 ** 21 },
    { N: 2 ** 20, r: 32 },
    { N: 17 },
    { N: 0 },
    { r: 0 },
    { r: 33 },
    { p: 17 },
    { p: -1 },
  ];
  for (const change of hostile) {
    await writeFile(
      path,
      mended(original, (document) => {
        document['kdf'] = Object.assign({}, document['kdf'], change);
      }),
    );
    const error = await refusal(async () => provider.open(ref));
    expect(error.code).toBe('KEY_STORE_DAMAGED');
    expect(error.message).toContain('scrypt');
  }
  for (const scryptCost of [
    { N: 1, r: 8, p: 1 },
    { N: 1000, r: 8, p: 1 },
    { N: 2 ** 20, r: 16, p: 1 },
  ]) {
    const error = await refusal(async () => createMemoryProvider({ sealing: { scryptCost } }));
    expect(error.code).toBe('VALUE_OUT_OF_RANGE');
  }
});

test('other formats, versions and fields are refused', async () => {
  const { provider, ref, path, original } = await sealedKey();
  for (const change of [{ format: 'other' }, { version: 2 }, { extra: 1 }, { id: '0'.repeat(32) }]) {
    await writeFile(
      path,
      mended(original, (document) => Object.assign(document, change)),
    );
    expect((await refusal(async () => provider.open(ref))).code).toBe('KEY_STORE_DAMAGED');
  }
});

test("a key's file in the place of another is refused", async () => {
  const { provider, ref, path } = await sealedKey();
  const second = await provider.generate({ algorithm: 'p256', pin: utf8('123456') });
  await copyFile(join(path, '..', `${idOf(second.ref)}.key.json`), path);
  const error = await refusal(async () => provider.open(ref));
  expect(error.code).toBe('KEY_STORE_DAMAGED');
  expect(error.message).toContain(idOf(second.ref));
});

test('the default cost is N=2^17, r=8, p=1, is stored, and a key so sealed opens', async () => {
  const storeDirectory = await temporaryDirectory();
  const provider = await createMemoryProvider({ storeDirectory });
  const { ref, publicKey } = await provider.generate({ algorithm: 'p256', pin: utf8('123456') });
  const path = join(storeDirectory, `${idOf(ref)}.key.json`);
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ kdf: { N: 131_072, r: 8, p: 1 } });
  await provider.close();

  // Keys say themselves how they were sealed: the options of the provider that opens them do not matter.
  const key = await openProtected(await quickProvider({ storeDirectory }), ref);
  await key.unlock(utf8('123456'));
  const signature = await key.sign('ecdsa-sha256', utf8('x'));
  const verifier = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  expect(verify('sha256', utf8('x'), verifier, signature)).toBe(true);
});

async function sealedKey(): Promise<Fixture> {
  const storeDirectory = await temporaryDirectory();
  const provider = await quickProvider({ storeDirectory });
  const { ref } = await provider.generate({ algorithm: 'p256', label: 'ä "label"', pin: utf8('123456') });
  const path = join(storeDirectory, `${idOf(ref)}.key.json`);
  return { provider, ref, path, original: await readFile(path) };
}

function mended(original: Buffer, forge: (document: Record<string, unknown>) => unknown): string {
  const document = fieldsOf(original);
  delete document['checksum'];
  forge(document);
  const checksum = createHash('sha256').update(JSON.stringify(document)).digest('hex');
  return `${JSON.stringify({ ...document, checksum }, undefined, 2)}\n`;
}

function idOf(ref: string): string {
  return /id=([0-9a-f]{32})/.exec(ref)?.[1] ?? '';
}

function fieldsOf(json: Buffer): Record<string, unknown> {
  const value: unknown = JSON.parse(json.toString());
  if (typeof value !== 'object' || value === null) throw new Error('not an object');
  return { ...value };
}

function withBitFlipped(original: Buffer, at: number, bit: number): Buffer {
  const altered = Buffer.from(original);
  altered[at] = (altered[at] ?? 0) ^ bit;
  return altered;
}
