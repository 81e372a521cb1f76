import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PendingChallenge } from '@countersign/core';
import { FileAttestationStore } from '@countersign/state';
import { expect, test } from 'vitest';
import { refusal } from './refusal.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const at = new Date('2026-05-06T07:08:09.123Z');
const later = new Date(at.getTime() + 1000);
const identity = { manufacturer: 'id:49465800', model: 'SLB9670', version: 'id:0007003F' };
const challenge: PendingChallenge = {
  id: '00'.repeat(16),
  secretDigest: Buffer.from([1, 2]),
  attestationKey: Uint8Array.of(3),
  endorsementKey: Uint8Array.of(4),
  endorsement: { kind: 'certificate', certificate: Uint8Array.of(0x30, 0), identity },
  expiresAt: later,
};
const activation = {
  attestationKeyName: Uint8Array.of(0, 0x0b, 7),
  attestationKey: Uint8Array.of(3),
  endorsementKey: Uint8Array.of(4),
  endorsement: { kind: 'certificate', certificate: Uint8Array.of(0x30, 0), identity: undefined },
  activatedAt: at,
} as const;

test('what one store was told, another on the same directory knows', async () => {
  const directory = join(await temporaryDirectory(), 'attestation');
  const store = new FileAttestationStore(directory);
  await store.put(challenge);
  await store.record(activation);
  await store.addNonce({
    nonce: Uint8Array.of(9),
    attestationKeyName: activation.attestationKeyName,
    expiresAt: later,
  });
  const other = new FileAttestationStore(directory);
  expect(await other.find(activation.attestationKeyName)).toEqual(activation);
  expect(await other.find(Uint8Array.of(1))).toBeUndefined();
  expect(await other.take(challenge.id)).toEqual({ ...challenge, secretDigest: Uint8Array.of(1, 2) });
  expect(await store.take(challenge.id)).toBeUndefined();
  const bound = {
    nonce: Uint8Array.of(9),
    attestationKeyName: activation.attestationKeyName,
    expiresAt: later,
    keyId: 'a',
  };
  expect(await other.bindNonce(Uint8Array.of(9), 'a')).toEqual(bound);
  expect(await store.bindNonce(Uint8Array.of(9), 'b')).toEqual(bound);
  expect(await store.bindNonce(Uint8Array.of(8), 'b')).toBeUndefined();
  expect((await stat(join(directory, 'attestation.json'))).mode & 0o777).toBe(0o600);
});

test('of several that take one challenge at once, one gets it', async () => {
  const directory = await temporaryDirectory();
  const stores = Array.from({ length: 8 }, () => new FileAttestationStore(directory));
  await stores[0]?.put(challenge);
  const taken = await Promise.all(stores.map(async (store) => store.take(challenge.id)));
  expect(taken.filter((each) => each !== undefined)).toHaveLength(1);
});

test('what has expired is dropped, and nothing else', async () => {
  const store = new FileAttestationStore(await temporaryDirectory());
  await store.put(challenge);
  await store.put({ ...challenge, id: 'ff'.repeat(16), expiresAt: at, endorsement: { kind: 'none' } });
  await store.addNonce({ nonce: Uint8Array.of(1), attestationKeyName: Uint8Array.of(2), expiresAt: at });
  await store.addNonce({ nonce: Uint8Array.of(2), attestationKeyName: Uint8Array.of(2), expiresAt: later });
  await store.removeExpired(later);
  await store.removeExpiredNonces(later);
  expect(await store.take('ff'.repeat(16))).toBeUndefined();
  expect(await store.take(challenge.id)).toMatchObject({ id: challenge.id, expiresAt: later });
  expect(await store.bindNonce(Uint8Array.of(1), 'a')).toBeUndefined();
  expect(await store.bindNonce(Uint8Array.of(2), 'a')).toBeDefined();
});

test('a file that is not what was written is named, and left as it is', async () => {
  const directory = await temporaryDirectory();
  const store = new FileAttestationStore(directory);
  await store.record(activation);
  const path = join(directory, 'attestation.json');
  const text = await readFile(path, 'utf8');
  for (const damaged of [
    text.slice(0, -5),
    text.replace('"version": 1', '"version": 2'),
    text.replace('000b07', '000b0'),
  ]) {
    await writeFile(path, damaged);
    const error = await refusal(async () => store.find(activation.attestationKeyName));
    expect(error.code).toBe('STATE_DAMAGED');
    expect(error.message).toContain(path);
    expect((await refusal(async () => store.record(activation))).code).toBe('STATE_DAMAGED');
    expect(await readFile(path, 'utf8')).toBe(damaged);
  }
});
