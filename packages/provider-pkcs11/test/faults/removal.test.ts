import { createPkcs11Provider, type Pkcs11Provider } from '@countersign/provider-pkcs11';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { userPin, utf8 } from '../module-under-test.ts';
import { refusal } from '../refusal.ts';
import type { CkrName } from '../shim/fault-shim.ts';
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
const maxSessions = 2;

let module: FaultyToken;
let provider: Pkcs11Provider;

beforeAll(async () => {
  module = await faultyToken();
});
beforeEach(async () => {
  provider = await createPkcs11Provider({ uri: uriOf(module), maxSessions });
});
afterEach(async () => {
  module.shim.reset();
  await provider.close();
  expect(module.shim.sessions).toBe(0);
});

/** How modules answer for a session of a token that is gone, and how far from its old slot the token comes back. */
const removals: readonly (readonly [CkrName, number])[] = [
  ['CKR_TOKEN_NOT_PRESENT', 0],
  ['CKR_DEVICE_REMOVED', 7],
  ['CKR_SESSION_HANDLE_INVALID', 1],
];

describe.each(signingPaths)('%s', (path) => {
  test.each(removals)(
    'a token that is away (%s) is missed, and signs when it is back %i slots on',
    async (answer, slotShift) => {
      const { shim } = module;
      const key = await keyOnPath(module, provider, path);
      await signAndVerify(key, path, message);
      shim.takeTokenAway(answer);
      for (const use of [
        async () => key.sign(schemeOf(path), message),
        async () => key.unlock(pin),
        async () => provider.list(),
        async () => provider.open(key.ref),
        async () => provider.generate({ algorithm: 'p256', pin }),
        async () => key.pinState(),
      ]) {
        expect(['TOKEN_NOT_PRESENT', 'PIN_REQUIRED']).toContain((await refusal(use)).code);
      }
      expect((await refusal(async () => key.unlock(pin))).code).toBe('TOKEN_NOT_PRESENT');
      expect(key.locked).toBe(true);
      shim.putTokenBack(slotShift);
      shim.watchSessions();
      expect((await refusal(async () => key.sign(schemeOf(path), message))).code).toBe('PIN_REQUIRED');
      await key.unlock(pin);
      await signAndVerify(key, path, message);
      const again = await provider.open(key.ref);
      await again.unlock(pin);
      await signAndVerify(again, path, message);
      expect(shim.mostSessions).toBeLessThanOrEqual(maxSessions + 1);
      await provider.destroy(key.ref);
    },
  );
});

test('signatures in flight while the token is taken away are right or refused, and none hangs', async () => {
  const { shim } = module;
  const key = await keyOnPath(module, provider, 'RSA-2048');
  shim.delaySignatures(5);
  const signing = Array.from({ length: 20 }, async (_, number) => {
    if (number === 10) shim.takeTokenAway('CKR_DEVICE_REMOVED');
    return signAndVerify(key, 'RSA-2048', message);
  });
  const results = await Promise.allSettled(signing);
  const refused = results.filter((result) => result.status === 'rejected');
  expect(refused.length).toBeGreaterThan(0);
  for (const { reason } of refused) {
    expect(['TOKEN_NOT_PRESENT', 'PIN_REQUIRED']).toContain(
      reason instanceof Error && 'code' in reason ? reason.code : reason,
    );
  }
  shim.delaySignatures(0);
  shim.putTokenBack(3);
  await key.unlock(pin);
  await signAndVerify(key, 'RSA-2048', message);
  await provider.destroy(key.ref);
});
