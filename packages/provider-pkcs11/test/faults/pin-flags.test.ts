import { createPkcs11Provider, type Pkcs11Provider } from '@countersign/provider-pkcs11';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { userPin, utf8 } from '../module-under-test.ts';
import { refusal } from '../refusal.ts';
import { faultyToken, signAndVerify, uriOf, type FaultyToken } from '../shim/faulty-token.ts';

const pin = utf8(userPin);
const countLow = 0x1_0000;
const finalTry = 0x2_0000;
const locked = 0x4_0000;

let module: FaultyToken;
let provider: Pkcs11Provider;
let ref: string;

beforeAll(async () => {
  module = await faultyToken();
  provider = await createPkcs11Provider({ uri: uriOf(module) });
  const key = await provider.generate({ algorithm: 'p256', label: 'flags', pin });
  ({ ref } = key);
  key.lock();
});

afterEach(() => module.shim.reset());
afterAll(async () => provider.close());

/** How often work has C_Login called. */
async function loginsDuring(work: () => Promise<unknown>): Promise<number> {
  const before = module.shim.calls('C_Login');
  await work();
  return module.shim.calls('C_Login') - before;
}

test.each([
  ['no flag', 0, 'untouched', 2],
  ['CKF_USER_PIN_COUNT_LOW', countLow, 'count-low', 2],
  ['CKF_USER_PIN_FINAL_TRY', finalTry, 'final-try', 1],
  ['CKF_USER_PIN_FINAL_TRY and COUNT_LOW', finalTry | countLow, 'final-try', 1],
  ['CKF_USER_PIN_LOCKED', locked, 'locked', 0],
  ['all of them', locked | finalTry | countLow, 'locked', 0],
] as const)('%s is what pinState and retriesLeft tell', async (_, flags, state, retries) => {
  const key = await provider.open(ref);
  module.shim.setTokenFlags(flags);
  expect(await key.pinState()).toBe(state);
  expect(await key.retriesLeft()).toBe(retries);
});

test('with few tries left a PIN is still tried', async () => {
  const key = await provider.open(ref);
  module.shim.setTokenFlags(countLow);
  expect(await loginsDuring(async () => key.unlock(pin))).toBe(1);
  await signAndVerify(key, 'P-256', utf8('message'));
  key.lock();
});

test.each([
  ['the final try', finalTry, 'PIN_FINAL_TRY'],
  ['a locked PIN', locked, 'PIN_LOCKED'],
] as const)('before %s no PIN goes to the token, by whatever way', async (_, flags, code) => {
  const key = await provider.open(ref);
  module.shim.setTokenFlags(flags);
  const setPins = module.shim.calls('C_SetPIN');
  const logins = await loginsDuring(async () => {
    for (const use of [
      async () => key.unlock(pin),
      async () => provider.generate({ algorithm: 'p256', pin }),
      async () => key.changePin(pin, utf8('another-PIN')),
    ]) {
      const error = await refusal(use);
      expect(error.code).toBe(code);
      expect(`${error.message}${error.hint}`).not.toContain(userPin);
    }
  });
  expect(logins).toBe(0);
  expect(module.shim.calls('C_SetPIN')).toBe(setPins);
  expect(key.locked).toBe(true);
  module.shim.reset();
  await key.unlock(pin);
  key.lock();
});

test('the final try is made where allowFinalPinTry says so, once', async () => {
  const bold = await createPkcs11Provider({ uri: uriOf(module), allowFinalPinTry: true });
  const key = await bold.open(ref);
  module.shim.setTokenFlags(finalTry);
  expect(await loginsDuring(async () => refusal(async () => key.unlock(utf8('wrong-PIN'))))).toBe(1);
  expect(await loginsDuring(async () => key.unlock(pin))).toBe(1);
  await signAndVerify(key, 'P-256', utf8('message'));
  key.lock();
  module.shim.setTokenFlags(locked);
  expect(await loginsDuring(async () => refusal(async () => key.unlock(pin)))).toBe(0);
  await bold.close();
});

test('a wrong PIN is told with what the token then says of the tries', async () => {
  const key = await provider.open(ref);
  const { shim } = module;
  shim.arm({ at: 'C_Login', effect: { refuse: 'CKR_PIN_INCORRECT' } });
  shim.setTokenFlags(countLow);
  const error = await refusal(async () => key.unlock(pin));
  expect(error.code).toBe('PIN_INCORRECT');
  expect(error.message).toContain('few tries are left');
});
