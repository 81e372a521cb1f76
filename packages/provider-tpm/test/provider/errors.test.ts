import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createTpmProvider, getHandles } from '@countersign/provider-tpm';
import { expect, onTestFinished, test } from 'vitest';
import {
  createPrimary,
  dictionaryAttackLockReset,
  evictControl,
  flushObject,
  hierarchyChangeAuth,
  readPublic,
} from '../../src/session/index.ts';
import { refusal } from '../refusal.ts';
import { lockout, owner, signingTemplate, srkTemplate } from '../session/keys.ts';
import { freePort } from '../start-swtpm.ts';
import { startPeer } from '../stream-peer.ts';
import { asAdministrator, expectNothingLeft, makeScene, startTpm, utf8 } from './scene.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const pin = utf8('482913');
const storageRootKey = 0x81000001;

test('where there is no TPM, or none behind the address, it says which', async () => {
  const storeDirectory = await temporaryDirectory();
  const port = await freePort();
  for (const [uri, code, found] of [
    ['tpm:device=/dev/tpm-that-is-not-there', 'TPM_NOT_FOUND', '/dev/tpm-that-is-not-there'],
    [`tpm:swtpm=127.0.0.1:${port}`, 'TPM_UNREACHABLE', String(port)],
    [`tpm:mssim=127.0.0.1:${port}`, 'TPM_UNREACHABLE', 'simulator at 127.0.0.1'],
    ['tpm:swtpm-unix=/no/such/socket', 'TPM_UNREACHABLE', '/no/such/socket'],
    ['tpm:swtpm=127.0.0.1', 'KEY_REFERENCE_MALFORMED', '127.0.0.1'],
    ['tpm:device=relative', 'KEY_REFERENCE_MALFORMED', 'relative'],
    ['tpm:?store=relative', 'KEY_REFERENCE_MALFORMED', 'relative'],
    ['pkcs11:', 'KEY_REFERENCE_MALFORMED', 'pkcs11'],
  ] as const) {
    const error = await refusal(async () => createTpmProvider({ uri, storeDirectory }));
    expect(error.code).toBe(code);
    expect(decodeURIComponent(error.message)).toContain(found);
    expect(error.hint).not.toBe('');
  }
  // Nothing was bound to a TPM that was not there.
  expect(await readdir(storeDirectory)).toEqual([]);
});

test('a TPM 1.2 is told as that', async () => {
  const { uri } = await startTpm({ version: '1.2' });
  const error = await refusal(async () =>
    createTpmProvider({ uri, storeDirectory: await temporaryDirectory() }),
  );
  expect(error.code).toBe('TPM_VERSION_NOT_SUPPORTED');
  expect(error.message).toContain('TPM 1.2');
});

test('what answers like no TPM is told as that', async () => {
  for (const answer of [
    'HTTP/1.1 400 Bad Request\r\n\r\n',
    '\x80\x01\0\0\0\x0a\0\0\0\0',
    '\x80\x01\0\0\0\x0b\0\0\x01\x01!',
  ]) {
    const peer = await startPeer((socket) => void socket.write(Buffer.from(answer, 'latin1')));
    onTestFinished(async () => peer.stop());
    if (peer.endpoint.kind !== 'tcp') throw new Error('the peer has no port');
    const uri = `tpm:swtpm=127.0.0.1:${peer.endpoint.port}`;
    const error = await refusal(async () =>
      createTpmProvider({ uri, storeDirectory: await temporaryDirectory() }),
    );
    expect(error.code).toMatch(/^TPM_(REPLY_MALFORMED|STRUCTURE_MALFORMED|VERSION_NOT_SUPPORTED|REFUSED)$/);
  }
});

test('a TPM whose slots others fill is told as busy, and works once they have left', async () => {
  const scene = await makeScene();
  const provider = await scene.provider();
  await asAdministrator(scene.relay, async (pool) => {
    const template = { publicArea: signingTemplate(), authValue: pin };
    const others = [
      await createPrimary(pool, owner, template),
      await createPrimary(pool, owner, template),
      await createPrimary(pool, owner, template),
    ];
    for (const use of [
      async () => provider.generate({ algorithm: 'p256', pin }),
      async () => scene.provider({ storeDirectory: await temporaryDirectory() }),
    ]) {
      const error = await refusal(use);
      expect(error.code).toBe('TPM_BUSY');
      expect(error.hint).toContain('/dev/tpmrm0');
    }
    expect(await getHandles(scene.relay, 'transient')).toEqual(others.map(({ handle }) => handle));
    for (const { handle } of others) await flushObject(pool, handle);
    const key = await provider.generate({ algorithm: 'p256', pin });
    await key.sign('ecdsa-sha256', pin);
    await provider.close();
  });
  await expectNothingLeft(scene.relay);
});

test('an owner’s authValue is asked for where the storage root key is to be made, and only there', async () => {
  const { relay, provider: open, storeDirectory } = await makeScene();
  const ownerAuthValue = utf8('the owner’s');
  await asAdministrator(relay, async (pool) => hierarchyChangeAuth(pool, owner, ownerAuthValue));
  for (const given of [{}, { ownerAuthValue: utf8('wrong') }]) {
    const error = await refusal(async () => open(given));
    expect(error.code).toBe('TPM_NOT_PERMITTED');
    expect(error.message).toContain('0x81000001');
    expect(error.hint).toContain('ownerAuthValue');
    await expectNothingLeft(relay);
    expect(await getHandles(relay, 'persistent')).toEqual([]);
    expect(await readdir(storeDirectory)).toEqual([]);
    await asAdministrator(relay, async (pool) => dictionaryAttackLockReset(pool, lockout));
  }
  const first = await open({ ownerAuthValue });
  const key = await first.generate({ algorithm: 'p256', pin });
  await first.close();
  expect(await getHandles(relay, 'persistent')).toEqual([storageRootKey]);
  const next = await open();
  expect((await next.open(key.ref)).publicKey).toEqual(key.publicKey);
  await next.generate({ algorithm: 'p256', pin });
});

test('another key where the storage root key belongs is refused, and left as it is', async () => {
  const { relay, provider: open, storeDirectory } = await makeScene();
  await asAdministrator(relay, async (pool) => {
    const signing = await createPrimary(pool, owner, { publicArea: signingTemplate(), authValue: pin });
    await evictControl(pool, owner, signing, storageRootKey);
    await flushObject(pool, signing.handle);
    const error = await refusal(open);
    expect(error.code).toBe('TPM_KEY_NOT_TRUSTED');
    expect(error.message).toContain('0x81000001');
    expect(await readdir(storeDirectory)).toEqual([]);
    expect((await readPublic(pool, storageRootKey)).name).toEqual(signing.name);
  });
  await expectNothingLeft(relay);
});

test('a storage root key that was exchanged is found out by whoever has keys under it', async () => {
  const { relay, provider: open, storeDirectory } = await makeScene();
  const provider = await open();
  const { ref } = await provider.generate({ algorithm: 'p256', pin });
  await provider.close();
  await asAdministrator(relay, async (pool) => {
    const found = await readPublic(pool, storageRootKey);
    await evictControl(pool, owner, found, storageRootKey);
    const template = { publicArea: srkTemplate('rsa2048'), authValue: new Uint8Array() };
    const other = await createPrimary(pool, owner, template);
    await evictControl(pool, owner, other, storageRootKey);
    await flushObject(pool, other.handle);
  });
  expect((await refusal(open)).code).toBe('KEY_HELD_ELSEWHERE');
  // Under it keys can be made all the same, in a directory of their own.
  const next = await open({ storeDirectory: join(storeDirectory, 'next') });
  const key = await next.generate({ algorithm: 'p256', pin });
  expect(key.ref).not.toBe(ref);
  await key.sign('ecdsa-sha256', pin);
});
