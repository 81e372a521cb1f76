import { createServer } from 'node:net';
import { once } from 'node:events';
import { createTpmProvider } from '@countersign/provider-tpm';
import { expect, test } from 'vitest';
import {
  createPrimary,
  entityNamedByHandle,
  evictControl,
  flushObject,
  hierarchyChangeAuth,
  permanentHandles,
  readPublicUntrusted,
  clear,
  type AuthorizedEntity,
} from '../../src/session/index.ts';
import { refusal } from '../refusal.ts';
import { signingTemplate } from '../session/keys.ts';
import {
  administer,
  inspect,
  message,
  pin,
  providerOn,
  swtpm,
  temporaryDirectory,
  verifies,
} from './running-provider.ts';

const srk = 0x81000001;
const owner = hierarchy(permanentHandles.owner);

test('a TPM 1.2 is called what it is', async () => {
  const tpm = await swtpm({ version: '1.2' });
  const error = await refusal(async () =>
    createTpmProvider({ uri: tpm.uri, storeDirectory: await temporaryDirectory() }),
  );
  expect(error.code).toBe('TPM_VERSION_NOT_SUPPORTED');
  expect(error.message).toContain('1.2');
});

test('where nothing listens, and where something else does, that is said', async () => {
  const storeDirectory = await temporaryDirectory();
  const nobody = await refusal(async () =>
    createTpmProvider({ uri: 'tpm:swtpm=127.0.0.1:1', storeDirectory }),
  );
  expect(nobody.code).toBe('TPM_UNREACHABLE');
  expect(nobody.message).toContain('127.0.0.1:1');
  const stranger = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(
    0,
    '127.0.0.1',
  );
  await once(stranger, 'listening');
  const address = stranger.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const uri = `tpm:swtpm=127.0.0.1:${port}`;
  expect((await refusal(async () => createTpmProvider({ uri, storeDirectory }))).code).toMatch(/^TPM_/);
  stranger.close();
});

test('an owner with a password is asked for it, where the storage root key has to be made', async () => {
  const tpm = await swtpm();
  const ownerAuthValue = new TextEncoder().encode('owner');
  await administer(tpm, async (pool) => hierarchyChangeAuth(pool, owner, ownerAuthValue));
  const storeDirectory = await temporaryDirectory();
  const error = await refusal(async () => createTpmProvider({ uri: tpm.uri, storeDirectory }));
  expect(error.code).toBe('TPM_NOT_PERMITTED');
  expect(error.hint).toContain('tpm2_evictcontrol');
  const provider = await providerOn(tpm, { ownerAuthValue, storeDirectory });
  expect(await verifies(await provider.generate({ algorithm: 'p256', pin }), 'ecdsa-sha256')).toBe(true);
  await provider.close();
  // Once it is there, nobody is asked.
  await providerOn(tpm, { storeDirectory });
});

test('what others keep where the storage root key belongs is left as it is', async () => {
  const tpm = await swtpm();
  let theirs: Uint8Array = new Uint8Array();
  await administer(tpm, async (pool) => {
    const made = await createPrimary(pool, owner, {
      publicArea: signingTemplate(),
      authValue: new Uint8Array(),
    });
    await evictControl(pool, owner, made, srk);
    await flushObject(pool, made.handle);
    theirs = made.name;
  });
  const error = await refusal(async () =>
    createTpmProvider({ uri: tpm.uri, storeDirectory: await temporaryDirectory() }),
  );
  expect(error.code).toBe('TPM_KEY_NOT_TRUSTED');
  expect(await inspect(tpm, async (queue) => (await readPublicUntrusted(queue, srk)).name)).toEqual(theirs);
});

test('keys that were made before the TPM was cleared are told from a defect', async () => {
  const tpm = await swtpm();
  const storeDirectory = await temporaryDirectory();
  const provider = await providerOn(tpm, { storeDirectory });
  await provider.generate({ algorithm: 'p256', pin });
  await provider.close();
  await administer(tpm, async (pool) => clear(pool, hierarchy(permanentHandles.lockout)));
  const error = await refusal(async () => createTpmProvider({ uri: tpm.uri, storeDirectory }));
  expect(error.code).toBe('KEY_HELD_ELSEWHERE');
  expect(error.hint).toContain('cleared');
  const anew = await providerOn(tpm);
  expect(await verifies(await anew.generate({ algorithm: 'p256', pin }), 'ecdsa-sha256', message)).toBe(true);
});

test('keys of one TPM are not taken for those of another', async () => {
  const [one, other] = [await swtpm(), await swtpm()];
  const storeDirectory = await temporaryDirectory();
  const provider = await providerOn(one, { storeDirectory });
  const { ref } = await provider.generate({ algorithm: 'p256', pin });
  const file = await provider.exportKeyFile(ref);
  expect((await refusal(async () => createTpmProvider({ uri: other.uri, storeDirectory }))).code).toBe(
    'KEY_HELD_ELSEWHERE',
  );
  const elsewhere = await providerOn(other);
  expect((await refusal(async () => elsewhere.importKeyFile(file))).code).toBe('KEY_HELD_ELSEWHERE');
  expect(await elsewhere.list()).toEqual([]);
});

function hierarchy(handle: number): AuthorizedEntity {
  return { ...entityNamedByHandle(handle), authorization: { kind: 'hmac', authValue: new Uint8Array() } };
}
