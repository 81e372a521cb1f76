import { mkdir, rename, rm } from 'node:fs/promises';
import pkcs11js from 'pkcs11js';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  moduleMakers,
  providerOn,
  softHsm,
  userPin,
  utf8,
  type ModuleUnderTest,
} from './module-under-test.ts';
import { refusal } from './refusal.ts';
import { verifies } from './verifies.ts';

const pin = utf8(userPin);
const message = utf8('message');

describe.each(Object.entries(moduleMakers))('%s', (_, make) => {
  let module: ModuleUnderTest;
  /** Another user of the same module in the same process. */
  let neighbour: pkcs11js.PKCS11;

  beforeAll(async () => {
    module = await make();
    neighbour = new pkcs11js.PKCS11();
    neighbour.load(module.modulePath);
  });

  function slotOfToken(): Buffer {
    const found = neighbour
      .C_GetSlotList(true)
      .find((slot) => neighbour.C_GetTokenInfo(slot).label.startsWith(module.tokenLabel));
    if (found === undefined) throw new Error('the token is not there');
    return found;
  }

  test.each(['p256', 'rsa2048'] as const)(
    'when somebody logs out, a %s key is locked, and signs again once unlocked',
    async (algorithm) => {
      const provider = await providerOn(module, { maxSessions: 3 });
      const key = await provider.generate({ algorithm, pin });
      const scheme = algorithm === 'p256' ? 'ecdsa-sha256' : 'rsa-pss-sha256';
      await key.sign(scheme, message);
      const session = neighbour.C_OpenSession(slotOfToken(), pkcs11js.CKF_SERIAL_SESSION);
      neighbour.C_Logout(session);
      expect((await refusal(async () => key.sign(scheme, message))).code).toBe('PIN_REQUIRED');
      expect(key.locked).toBe(true);
      await key.unlock(pin);
      expect(verifies(scheme, key.publicKey, message, await key.sign(scheme, message))).toBe(true);
      neighbour.C_CloseSession(session);
      await provider.destroy(key.ref);
    },
  );

  test('when somebody logs out and in again, stale handles are found anew without a PIN', async () => {
    const provider = await providerOn(module);
    const key = await provider.generate({ algorithm: 'p256', pin });
    await key.sign('ecdsa-sha256', message);
    const session = neighbour.C_OpenSession(slotOfToken(), pkcs11js.CKF_SERIAL_SESSION);
    neighbour.C_Logout(session);
    neighbour.C_Login(session, pkcs11js.CKU_USER, userPin);
    for (let signed = 0; signed < 3; signed += 1) {
      const signature = await key.sign('ecdsa-sha256', message);
      expect(verifies('ecdsa-sha256', key.publicKey, message, signature)).toBe(true);
    }
    neighbour.C_CloseSession(session);
    await provider.destroy(key.ref);
  });

  test('when somebody closes all sessions, new ones are opened', async () => {
    const provider = await providerOn(module);
    const key = await provider.generate({ algorithm: 'p256', pin });
    await key.sign('ecdsa-sha256', message);
    neighbour.C_CloseAllSessions(slotOfToken());
    expect((await refusal(async () => key.sign('ecdsa-sha256', message))).code).toBe('PIN_REQUIRED');
    expect((await provider.list()).length).toBeGreaterThan(0);
    await key.unlock(pin);
    expect(verifies('ecdsa-sha256', key.publicKey, message, await key.sign('ecdsa-sha256', message))).toBe(
      true,
    );
    await provider.destroy(key.ref);
  });

  test('a login that somebody else made does not make a wrong PIN right', async () => {
    const provider = await providerOn(module);
    const { ref } = await provider.generate({ algorithm: 'p256', pin });
    const key = await provider.open(ref);
    await provider.open(ref);
    const session = neighbour.C_OpenSession(slotOfToken(), pkcs11js.CKF_SERIAL_SESSION);
    expect((await refusal(async () => key.unlock(utf8('wrong-PIN')))).code).toBe('PIN_INCORRECT');
    neighbour.C_CloseSession(session);
    expect(key.locked).toBe(true);
    await key.unlock(pin);
    await provider.destroy(ref);
  });

  test('a key that somebody destroyed is not found, and others go on', async () => {
    const provider = await providerOn(module);
    const other = await providerOn(module);
    const key = await provider.generate({ algorithm: 'p256', pin });
    const kept = await provider.generate({ algorithm: 'p256', pin });
    await key.sign('ecdsa-sha256', message);
    const elsewhere = await other.open(key.ref);
    await elsewhere.unlock(pin);
    await other.destroy(key.ref);
    expect((await refusal(async () => key.sign('ecdsa-sha256', message))).code).toBe('KEY_NOT_FOUND');
    await kept.sign('ecdsa-sha256', message);
    await provider.destroy(kept.ref);
  });
});

test('a token that is taken away is missed, and found when it is back', async () => {
  const module = await softHsm();
  const provider = await providerOn(module);
  const key = await provider.generate({ algorithm: 'p256', pin });
  const { ref } = key;
  await provider.close();
  const tokens = (module.environment['SOFTHSM2_CONF'] ?? '').replace('softhsm2.conf', 'tokens');
  await rename(tokens, `${tokens}-away`);
  await mkdir(tokens);
  const patient = await providerOn(module);
  expect((await refusal(async () => patient.open(ref))).code).toBe('TOKEN_NOT_PRESENT');
  expect(patient.info.algorithms).toEqual([]);
  await patient.close();
  await rm(tokens, { recursive: true });
  await rename(`${tokens}-away`, tokens);
  const back = await (await providerOn(module)).open(ref);
  await back.unlock(pin);
  expect(verifies('ecdsa-sha256', back.publicKey, message, await back.sign('ecdsa-sha256', message))).toBe(
    true,
  );
});
