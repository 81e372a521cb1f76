import { createPkcs11Provider, type Pkcs11Provider, type TokenKey } from '@countersign/provider-pkcs11';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeCertificate } from '../make-certificate.ts';
import { userPin, utf8 } from '../module-under-test.ts';
import { refusal } from '../refusal.ts';
import { faultyToken, signAndVerify, uriOf, type FaultyToken } from '../shim/faulty-token.ts';
import { underFault } from '../shim/outcome.ts';

// After a logout that nobody noticed a token shows no private keys. They are not gone for all that.
const pin = utf8(userPin);
const message = utf8('message');

let module: FaultyToken;
let provider: Pkcs11Provider;
let key: TokenKey;

beforeAll(async () => {
  module = await faultyToken();
  provider = await createPkcs11Provider({ uri: uriOf(module) });
  key = await provider.generate({ algorithm: 'p256', label: 'kept', pin });
});
afterAll(async () => provider.close());
beforeEach(async () => key.unlock(pin));
afterEach(async () => {
  await key.unlock(pin);
  await signAndVerify(key, 'P-256', message);
  expect(await provider.list()).toHaveLength(1);
});

test('its keys are listed and opened', async () => {
  module.backDoor.logOut();
  expect(await provider.list()).toMatchObject([{ ref: key.ref }]);
  await key.unlock(pin);
  module.backDoor.logOut();
  expect((await provider.open(key.ref)).locked).toBe(true);
});

test('whatever needs the private key wants the PIN', async () => {
  const certificate = await makeCertificate(key, 'Kept');
  for (const use of [
    async () => key.sign('ecdsa-sha256', message),
    async () => key.originClaims(),
    async () => provider.destroy(key.ref),
    async () => provider.putCertificate(key.ref, certificate),
    async () => provider.generate({ algorithm: 'p256' }),
  ]) {
    await key.unlock(pin);
    module.backDoor.logOut();
    expect((await refusal(use)).code).toBe('PIN_REQUIRED');
  }
});

test('a key whose handle is out of date is not taken for destroyed', async () => {
  const other = await provider.open(key.ref);
  await other.unlock(pin);
  const fault = { at: 'C_SignInit', effect: { refuse: 'CKR_KEY_HANDLE_INVALID' } } as const;
  expect(await underFault(module.shim, fault, async () => key.sign('ecdsa-sha256', message))).toBe(
    'recovered',
  );
  module.backDoor.logOut();
  expect((await refusal(async () => other.sign('ecdsa-sha256', message))).code).toBe('PIN_REQUIRED');
});

test('a logout at whatever moment does not make a key that is there look destroyed', async () => {
  const expected = new Set(['PIN_REQUIRED', 'done']);
  const seen = new Set<string>();
  for (let moment = 0; moment < 40; moment += 1) {
    await key.unlock(pin);
    const { ref } = await provider.generate({ algorithm: 'p256', label: 'passing', pin });
    const destroying = provider.destroy(ref).then(
      () => 'done',
      (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : 'unknown'),
    );
    for (let waited = 0; waited < moment; waited += 1) await Promise.resolve();
    module.backDoor.logOut();
    const outcome = await destroying;
    expect(expected, `moment ${moment}`).toContain(outcome);
    seen.add(outcome);
    await key.unlock(pin);
    if (outcome !== 'done') await provider.destroy(ref);
  }
  expect(seen).toEqual(expected);
});
