import { chmod, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isCertificateStore } from '@countersign/core';
import { expect, test } from 'vitest';
import { openProtected, quickProvider, utf8 } from './quick-provider.ts';
import { refusal } from './refusal.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const pin = utf8('123456');

test('two providers on one store see the same keys, PINs and removals', async () => {
  const storeDirectory = await temporaryDirectory();
  const a = await quickProvider({ storeDirectory });
  const b = await quickProvider({ storeDirectory });
  const made = await a.generate({ algorithm: 'p256', label: 'shared', pin });
  expect(await b.list()).toEqual(await a.list());
  const inB = await openProtected(b, made.ref);
  await made.changePin(pin, utf8('654321'));
  expect((await refusal(async () => inB.unlock(pin))).code).toBe('PIN_INCORRECT');
  await inB.unlock(utf8('654321'));
  await b.destroy(made.ref);
  expect(await a.list()).toEqual([]);
  expect((await refusal(async () => made.unlock(utf8('654321')))).code).toBe('KEY_NOT_FOUND');
  expect((await refusal(async () => made.changePin(utf8('654321'), pin))).code).toBe('KEY_NOT_FOUND');
  expect((await refusal(async () => a.destroy(made.ref))).code).toBe('KEY_NOT_FOUND');
  expect((await readdir(storeDirectory)).toSorted()).toEqual(['lockout.json']);
});

test.each([true, false])('a destroyed key signs no more, wherever it is held (PIN: %s)', async (withPin) => {
  const provider = await quickProvider();
  const key = await provider.generate({ algorithm: 'p256', ...(withPin ? { pin } : {}) });
  const kept = await provider.generate({ algorithm: 'p256' });
  const again = await provider.open(key.ref);
  await provider.destroy(key.ref);
  for (const held of [key, again]) {
    expect((await refusal(async () => held.sign('ecdsa-sha256', pin))).code).toBe('KEY_NOT_FOUND');
  }
  await kept.sign('ecdsa-sha256', pin);
});

test.each([true, false])(
  'nothing works after close, which may be called twice (directory: %s)',
  async (stored) => {
    const provider = await quickProvider(stored ? { storeDirectory: await temporaryDirectory() } : {});
    const key = await provider.generate({ algorithm: 'p256', pin });
    const ref = key.ref;
    await provider.close();
    await provider.close();
    const uses: readonly (() => Promise<unknown>)[] = [
      async () => key.sign('ecdsa-sha256', pin),
      async () => key.unlock(pin),
      async () => key.changePin(pin, utf8('654321')),
      async () => key.retriesLeft(),
      async () => provider.generate({ algorithm: 'p256', pin }),
      async () => provider.open(ref),
      async () => provider.list(),
      async () => provider.destroy(ref),
      async () => provider.putCertificate(ref, pin),
      async () => provider.getCertificate(ref),
      async () => provider.listCertificates(),
      async () => provider.removeCertificate(ref),
    ];
    for (const use of uses) expect((await refusal(use)).code).toBe('PROVIDER_CLOSED');
    expect(key.locked).toBe(true);
  },
);

test('closing during an unlock leaves the key locked', async () => {
  const provider = await quickProvider({ storeDirectory: await temporaryDirectory() });
  const key = await provider.generate({ algorithm: 'p256', pin });
  key.lock();
  const unlocking = refusal(async () => key.unlock(pin));
  await provider.close();
  expect((await unlocking).code).toBe('PROVIDER_CLOSED');
  expect(key.locked).toBe(true);
});

test('it says what it is, and nothing at rest remains of keys in the process only', async () => {
  const provider = await quickProvider();
  expect(provider.info.scheme).toBe('memory');
  expect(provider.info.algorithms).toContain('ed25519');
  expect(isCertificateStore(provider)).toBe(true);
  const { ref } = await provider.generate({ algorithm: 'p256', pin });
  await provider.close();
  expect((await refusal(async () => (await quickProvider()).open(ref))).code).toBe('KEY_NOT_FOUND');
});

test('a store that others can write to is refused', async () => {
  const directory = await temporaryDirectory();
  const storeDirectory = join(directory, 'open');
  await mkdir(storeDirectory);
  await chmod(storeDirectory, 0o777);
  expect((await refusal(async () => quickProvider({ storeDirectory }))).code).toBe('STATE_DAMAGED');
});
