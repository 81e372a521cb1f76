import { createPkcs11Provider, type Pkcs11Provider, type TokenKey } from '@countersign/provider-pkcs11';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
import { underFault, type Outcome } from '../shim/outcome.ts';

const pin = utf8(userPin);
const message = utf8('message');
const maxSessions = 2;

/** What becomes of a signature whose login, between C_SignInit and C_Sign, fails once. */
const table: readonly (readonly [CkrName, Outcome])[] = [
  ['CKR_PIN_INCORRECT', 'PIN_INCORRECT'],
  ['CKR_PIN_LOCKED', 'PIN_LOCKED'],
  ['CKR_PIN_EXPIRED', 'PIN_INVALID'],
  ['CKR_DEVICE_ERROR', 'TOKEN_FAILED'],
  ['CKR_GENERAL_ERROR', 'TOKEN_FAILED'],
  ['CKR_HOST_MEMORY', 'TOKEN_FAILED'],
  ['CKR_TOKEN_NOT_PRESENT', 'TOKEN_NOT_PRESENT'],
  ['CKR_DEVICE_REMOVED', 'TOKEN_NOT_PRESENT'],
  ['CKR_SESSION_HANDLE_INVALID', 'recovered'],
  ['CKR_SESSION_CLOSED', 'recovered'],
  ['CKR_OPERATION_NOT_INITIALIZED', 'recovered'],
  ['CKR_USER_NOT_LOGGED_IN', 'recovered'],
];
/** After these the PIN must not be spent again. */
const pinRefused: ReadonlySet<Outcome> = new Set(['PIN_INCORRECT', 'PIN_LOCKED', 'PIN_INVALID']);

let module: FaultyToken;
beforeAll(async () => {
  module = await faultyToken();
});

describe.each(signingPaths)('%s', (path) => {
  let provider: Pkcs11Provider;
  let key: TokenKey;

  beforeAll(async () => {
    provider = await createPkcs11Provider({ uri: uriOf(module), maxSessions, alwaysAuthenticate: true });
    key = await keyOnPath(module, provider, path);
  });

  afterAll(async () => {
    await provider.close();
    expect(module.shim.sessions).toBe(0);
  });

  test('every signature takes a login of its own', async () => {
    const before = module.shim.calls('C_Login');
    await Promise.all([signAndVerify(key, path, message), signAndVerify(key, path, message)]);
    expect(module.shim.calls('C_Login') - before).toBe(2);
  });

  test.each(table)('%s at the login: %s, and then it signs again', async (refuse, expected) => {
    const { shim } = module;
    shim.watchSessions();
    const fault = { at: 'C_Login', effect: { refuse } } as const;
    expect(await underFault(shim, fault, async () => signAndVerify(key, path, message))).toBe(expected);
    if (pinRefused.has(expected)) {
      expect(key.locked).toBe(true);
      const logins = shim.calls('C_Login');
      expect((await refusal(async () => key.sign(schemeOf(path), message))).code).toBe('PIN_REQUIRED');
      expect(shim.calls('C_Login')).toBe(logins);
      await key.unlock(pin);
    }
    await signAndVerify(key, path, message);
    expect(shim.mostSessions).toBeLessThanOrEqual(maxSessions + 1);
  });
});
