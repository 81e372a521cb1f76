import { createPkcs11Provider, type Pkcs11Provider, type TokenKey } from '@countersign/provider-pkcs11';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { userPin, utf8 } from '../module-under-test.ts';
import { nameOf, type CkrName } from '../shim/fault-shim.ts';
import { faultyToken, signAndVerify, uriOf, type FaultyToken } from '../shim/faulty-token.ts';
import { underFault, type Outcome } from '../shim/outcome.ts';

const pin = utf8(userPin);
const maxSessions = 2;

/** What becomes of unlocking when each of these functions fails once, and when it goes on failing. */
const table: readonly (readonly [at: string, CkrName | number, once: Outcome, staying: Outcome])[] = [
  ['C_Login', 'CKR_PIN_INCORRECT', 'PIN_INCORRECT', 'PIN_INCORRECT'],
  ['C_Login', 'CKR_PIN_LOCKED', 'PIN_LOCKED', 'PIN_LOCKED'],
  ['C_Login', 'CKR_PIN_EXPIRED', 'PIN_INVALID', 'PIN_INVALID'],
  ['C_Login', 'CKR_PIN_LEN_RANGE', 'PIN_INVALID', 'PIN_INVALID'],
  ['C_Login', 'CKR_USER_PIN_NOT_INITIALIZED', 'TOKEN_NOT_INITIALIZED', 'TOKEN_NOT_INITIALIZED'],
  ['C_Login', 'CKR_USER_ANOTHER_ALREADY_LOGGED_IN', 'TOKEN_FAILED', 'TOKEN_FAILED'],
  ['C_Login', 'CKR_TOKEN_NOT_PRESENT', 'TOKEN_NOT_PRESENT', 'TOKEN_NOT_PRESENT'],
  ['C_Login', 'CKR_DEVICE_REMOVED', 'TOKEN_NOT_PRESENT', 'TOKEN_NOT_PRESENT'],
  ['C_Login', 'CKR_SESSION_HANDLE_INVALID', 'TOKEN_FAILED', 'TOKEN_FAILED'],
  ['C_Login', 'CKR_SESSION_CLOSED', 'TOKEN_FAILED', 'TOKEN_FAILED'],
  ['C_Login', 'CKR_OPERATION_ACTIVE', 'TOKEN_FAILED', 'TOKEN_FAILED'],
  ['C_Login', 'CKR_HOST_MEMORY', 'TOKEN_FAILED', 'TOKEN_FAILED'],
  ['C_Login', 'CKR_GENERAL_ERROR', 'TOKEN_FAILED', 'TOKEN_FAILED'],
  ['C_Login', 'CKR_DEVICE_ERROR', 'TOKEN_FAILED', 'TOKEN_FAILED'],
  ['C_Login', 0x8000_0001, 'TOKEN_FAILED', 'TOKEN_FAILED'],
  ['C_OpenSession', 'CKR_SESSION_COUNT', 'TOKEN_FAILED', 'TOKEN_FAILED'],
  ['C_OpenSession', 'CKR_TOKEN_NOT_PRESENT', 'TOKEN_NOT_PRESENT', 'TOKEN_NOT_PRESENT'],
  ['C_OpenSession', 'CKR_TOKEN_NOT_RECOGNIZED', 'TOKEN_NOT_PRESENT', 'TOKEN_NOT_PRESENT'],
  ['C_OpenSession', 'CKR_DEVICE_REMOVED', 'TOKEN_NOT_PRESENT', 'TOKEN_NOT_PRESENT'],
  ['C_OpenSession', 'CKR_HOST_MEMORY', 'TOKEN_FAILED', 'TOKEN_FAILED'],
  ['C_OpenSession', 'CKR_DEVICE_MEMORY', 'TOKEN_FAILED', 'TOKEN_FAILED'],
  ['C_OpenSession', 'CKR_GENERAL_ERROR', 'TOKEN_FAILED', 'TOKEN_FAILED'],
  ['C_GetTokenInfo', 'CKR_TOKEN_NOT_PRESENT', 'recovered', 'TOKEN_NOT_PRESENT'],
  ['C_GetTokenInfo', 'CKR_DEVICE_REMOVED', 'recovered', 'TOKEN_NOT_PRESENT'],
  ['C_GetTokenInfo', 'CKR_SLOT_ID_INVALID', 'recovered', 'TOKEN_NOT_PRESENT'],
  ['C_GetTokenInfo', 'CKR_DEVICE_ERROR', 'TOKEN_FAILED', 'TOKEN_FAILED'],
  ['C_GetTokenInfo', 'CKR_GENERAL_ERROR', 'TOKEN_FAILED', 'TOKEN_FAILED'],
  ['C_GetTokenInfo', 'CKR_HOST_MEMORY', 'TOKEN_FAILED', 'TOKEN_FAILED'],
  ...(['C_FindObjectsInit', 'C_FindObjects', 'C_FindObjectsFinal', 'C_GetAttributeValue'] as const).flatMap(
    (at): typeof table => [
      [at, 'CKR_SESSION_HANDLE_INVALID', 'recovered', 'TOKEN_FAILED'],
      [at, 'CKR_SESSION_CLOSED', 'recovered', 'TOKEN_FAILED'],
      [at, 'CKR_OBJECT_HANDLE_INVALID', 'recovered', 'TOKEN_FAILED'],
      [at, 'CKR_OPERATION_ACTIVE', 'recovered', 'TOKEN_FAILED'],
      [at, 'CKR_USER_NOT_LOGGED_IN', 'recovered', 'PIN_REQUIRED'],
      [at, 'CKR_TOKEN_NOT_PRESENT', 'TOKEN_NOT_PRESENT', 'TOKEN_NOT_PRESENT'],
      [at, 'CKR_DEVICE_REMOVED', 'TOKEN_NOT_PRESENT', 'TOKEN_NOT_PRESENT'],
      [at, 'CKR_DEVICE_ERROR', 'TOKEN_FAILED', 'TOKEN_FAILED'],
      [at, 'CKR_DEVICE_MEMORY', 'TOKEN_FAILED', 'TOKEN_FAILED'],
      [at, 'CKR_HOST_MEMORY', 'TOKEN_FAILED', 'TOKEN_FAILED'],
      [at, 'CKR_GENERAL_ERROR', 'TOKEN_FAILED', 'TOKEN_FAILED'],
      [at, 'CKR_FUNCTION_FAILED', 'TOKEN_FAILED', 'TOKEN_FAILED'],
    ],
  ),
];

let module: FaultyToken;
let anchor: Pkcs11Provider;
let ref: string;

beforeAll(async () => {
  module = await faultyToken();
  // Keeps the module initialized from case to case.
  anchor = await createPkcs11Provider({ uri: uriOf(module) });
  const key = await anchor.generate({ algorithm: 'p256', label: 'one', pin });
  ({ ref } = key);
  key.lock();
});

afterAll(async () => {
  await anchor.close();
  expect(module.shim.sessions).toBe(0);
});

test.each(table)('%s: %s', async (at, refuse, once, staying) => {
  const { shim } = module;
  for (const [times, expected] of [
    [1, once],
    [50, staying],
  ] as const) {
    // A new one each time, which has no sessions yet.
    const provider = await createPkcs11Provider({ uri: uriOf(module), maxSessions });
    const key = await provider.open(ref);
    await openAndCloseAgain(key);
    const [sessionsBefore, loginsBefore] = [shim.sessions, shim.calls('C_Login')];
    shim.watchSessions();
    const outcome = await underFault(shim, { at, effect: { refuse }, times }, async () => key.unlock(pin));
    expect(outcome, nameOf({ refuse })).toBe(expected);
    expect(key.locked).toBe(outcome !== 'recovered');
    // No PIN goes to the token a second time by itself.
    expect(shim.calls('C_Login') - loginsBefore).toBeLessThanOrEqual(1);
    await key.unlock(pin);
    await signAndVerify(key, 'P-256', utf8('message'));
    expect(shim.mostSessions - sessionsBefore).toBeLessThanOrEqual(maxSessions + 1);
    await provider.close();
    expect(shim.sessions).toBeLessThanOrEqual(sessionsBefore);
  }
});

/** Leaves the pool without a session: one in which anything failed is closed. */
async function openAndCloseAgain(key: TokenKey): Promise<void> {
  await key.unlock(pin);
  const fault = { at: 'C_SignInit', effect: { refuse: 'CKR_GENERAL_ERROR' } } as const;
  await underFault(module.shim, fault, async () => key.sign('ecdsa-sha256', pin));
  key.lock();
}
