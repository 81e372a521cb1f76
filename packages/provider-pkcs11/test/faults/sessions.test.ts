import { createPkcs11Provider } from '@countersign/provider-pkcs11';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { userPin, utf8 } from '../module-under-test.ts';
import { refusal } from '../refusal.ts';
import {
  faultyToken,
  keyOnPath,
  schemeOf,
  signAndVerify,
  signingPaths,
  uriOf,
  type FaultyToken,
} from '../shim/faulty-token.ts';

const pin = utf8(userPin);
const message = utf8('message');

let module: FaultyToken;
beforeAll(async () => {
  module = await faultyToken();
});

describe.each(signingPaths)('%s', (path) => {
  test.each([1, 2, 5])(
    'many signatures at once keep to %i sessions and the one of the login',
    async (maxSessions) => {
      const { shim } = module;
      const provider = await createPkcs11Provider({ uri: uriOf(module), maxSessions });
      onTestFinished(async () => provider.close());
      const key = await keyOnPath(module, provider, path);
      shim.watchSessions();
      await Promise.all(Array.from({ length: 30 }, async () => signAndVerify(key, path, message)));
      expect(shim.mostSessions).toBeLessThanOrEqual(maxSessions + 1);
      await provider.destroy(key.ref);
      expect(shim.mostSessions).toBeLessThanOrEqual(maxSessions + 1);
      await provider.close();
      expect(shim.sessions).toBe(0);
    },
  );

  test('a token that opens fewer sessions than asked for is waited for', async () => {
    const { shim } = module;
    const provider = await createPkcs11Provider({ uri: uriOf(module), maxSessions: 8 });
    onTestFinished(async () => provider.close());
    const key = await keyOnPath(module, provider, path);
    await signAndVerify(key, path, message);
    // The pool has one session by now, and gets no other.
    shim.arm({ at: 'C_OpenSession', effect: { refuse: 'CKR_SESSION_COUNT' }, times: 1000 });
    await Promise.all(Array.from({ length: 12 }, async () => signAndVerify(key, path, message)));
    expect(shim.injected).toBeGreaterThan(0);
    shim.disarm();
    await signAndVerify(key, path, message);
    await provider.close();
    expect(shim.sessions).toBe(0);
  });

  test('however many sessions are lost at once, they stand in the way of one signature at most', async () => {
    const { shim } = module;
    const provider = await createPkcs11Provider({ uri: uriOf(module), maxSessions: 12 });
    onTestFinished(async () => provider.close());
    const key = await keyOnPath(module, provider, path);
    await Promise.all(Array.from({ length: 24 }, async () => signAndVerify(key, path, message)));
    expect(shim.sessions).toBe(13);
    shim.takeTokenAway('CKR_SESSION_HANDLE_INVALID');
    expect(provider.info.algorithms).toEqual([]);
    shim.putTokenBack(0);
    expect((await refusal(async () => key.sign(schemeOf(path), message))).code).toBe('PIN_REQUIRED');
    await key.unlock(pin);
    await signAndVerify(key, path, message);
    await provider.destroy(key.ref);
    await provider.close();
    expect(shim.sessions).toBe(0);
  });

  test('logins that are lost again and again leave no sessions behind', async () => {
    const { shim, backDoor } = module;
    const provider = await createPkcs11Provider({ uri: uriOf(module), maxSessions: 2 });
    onTestFinished(async () => provider.close());
    const key = await keyOnPath(module, provider, path);
    shim.watchSessions();
    for (let times = 0; times < 10; times += 1) {
      backDoor.logOut();
      expect((await refusal(async () => key.sign(schemeOf(path), message))).code).toBe('PIN_REQUIRED');
      await key.unlock(pin);
      await signAndVerify(key, path, message);
    }
    expect(shim.mostSessions).toBeLessThanOrEqual(3);
    await provider.destroy(key.ref);
    await provider.close();
    expect(shim.sessions).toBe(0);
  });
});
