import { createPkcs11Provider, type Pkcs11Provider, type TokenKey } from '@countersign/provider-pkcs11';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { userPin, utf8 } from '../module-under-test.ts';
import { nameOf, type Effect } from '../shim/fault-shim.ts';
import {
  faultyToken,
  keyOnPath,
  signAndVerify,
  signingPaths,
  uriOf,
  type FaultyToken,
  type SigningPath,
} from '../shim/faulty-token.ts';
import { underFault, type Outcome } from '../shim/outcome.ts';

const pin = utf8(userPin);
const maxSessions = 2;
const mostTries = 8;
/** More often than anything is tried. */
const lasting = 50;

/** What becomes of a fault that strikes once, and of one that stays, at C_SignInit and at C_Sign alike. */
const atBoth: readonly (readonly [Effect, once: Outcome, staying: Outcome])[] = [
  [{ refuse: 'CKR_PIN_INCORRECT' }, 'PIN_INCORRECT', 'PIN_INCORRECT'],
  [{ refuse: 'CKR_PIN_LOCKED' }, 'PIN_LOCKED', 'PIN_LOCKED'],
  [{ refuse: 'CKR_PIN_EXPIRED' }, 'PIN_INVALID', 'PIN_INVALID'],
  [{ refuse: 'CKR_USER_NOT_LOGGED_IN' }, 'recovered', 'PIN_REQUIRED'],
  [{ refuse: 'CKR_TOKEN_NOT_PRESENT' }, 'TOKEN_NOT_PRESENT', 'TOKEN_NOT_PRESENT'],
  [{ refuse: 'CKR_TOKEN_NOT_RECOGNIZED' }, 'TOKEN_NOT_PRESENT', 'TOKEN_NOT_PRESENT'],
  [{ refuse: 'CKR_DEVICE_REMOVED' }, 'TOKEN_NOT_PRESENT', 'TOKEN_NOT_PRESENT'],
  [{ refuse: 'CKR_SESSION_HANDLE_INVALID' }, 'recovered', 'TOKEN_FAILED'],
  [{ refuse: 'CKR_SESSION_CLOSED' }, 'recovered', 'TOKEN_FAILED'],
  ['lose-session', 'recovered', 'TOKEN_FAILED'],
  [{ refuse: 'CKR_OBJECT_HANDLE_INVALID' }, 'recovered', 'TOKEN_FAILED'],
  [{ refuse: 'CKR_KEY_HANDLE_INVALID' }, 'recovered', 'TOKEN_FAILED'],
  [{ refuse: 'CKR_OPERATION_ACTIVE' }, 'recovered', 'TOKEN_FAILED'],
  [{ refuse: 'CKR_OPERATION_NOT_INITIALIZED' }, 'recovered', 'TOKEN_FAILED'],
  [{ refuse: 'CKR_BUFFER_TOO_SMALL' }, 'TOKEN_FAILED', 'TOKEN_FAILED'],
  [{ refuse: 'CKR_HOST_MEMORY' }, 'TOKEN_FAILED', 'TOKEN_FAILED'],
  [{ refuse: 'CKR_DEVICE_MEMORY' }, 'TOKEN_FAILED', 'TOKEN_FAILED'],
  [{ refuse: 'CKR_GENERAL_ERROR' }, 'TOKEN_FAILED', 'TOKEN_FAILED'],
  [{ refuse: 'CKR_FUNCTION_FAILED' }, 'TOKEN_FAILED', 'TOKEN_FAILED'],
  [{ refuse: 'CKR_DEVICE_ERROR' }, 'TOKEN_FAILED', 'TOKEN_FAILED'],
  [{ refuse: 'CKR_SESSION_COUNT' }, 'TOKEN_FAILED', 'TOKEN_FAILED'],
  [{ refuse: 'CKR_MECHANISM_INVALID' }, 'ALGORITHM_NOT_SUPPORTED', 'ALGORITHM_NOT_SUPPORTED'],
  [{ refuse: 'CKR_KEY_FUNCTION_NOT_PERMITTED' }, 'SCHEME_NOT_SUPPORTED', 'SCHEME_NOT_SUPPORTED'],
  // Vendor-defined, and one that no version of the standard has.
  [{ refuse: 0x8000_0001 }, 'TOKEN_FAILED', 'TOKEN_FAILED'],
  [{ refuse: 0xabc }, 'TOKEN_FAILED', 'TOKEN_FAILED'],
];

/** Faults of the signature itself. The last says more than the buffer holds. */
const atSignAlone: typeof atBoth = [
  ['flip-bit', 'TOKEN_FAILED', 'TOKEN_FAILED'],
  [{ lengthen: -1 }, 'TOKEN_FAILED', 'TOKEN_FAILED'],
  [{ lengthen: 1 }, 'TOKEN_FAILED', 'TOKEN_FAILED'],
  [{ lengthen: 100_000 }, 'TOKEN_FAILED', 'TOKEN_FAILED'],
  [{ doAndRefuse: 'CKR_DEVICE_ERROR' }, 'TOKEN_FAILED', 'TOKEN_FAILED'],
  [{ doAndRefuse: 'CKR_SESSION_CLOSED' }, 'recovered', 'TOKEN_FAILED'],
];

let module: FaultyToken;
beforeAll(async () => {
  module = await faultyToken();
});

describe.each(signingPaths)('%s', (path) => {
  let provider: Pkcs11Provider;
  let key: TokenKey;

  beforeAll(async () => {
    provider = await createPkcs11Provider({
      uri: uriOf(module),
      maxSessions,
    });
    key = await keyOnPath(module, provider, path);
  });

  afterAll(async () => {
    await provider.close();
    expect(module.shim.sessions).toBe(0);
  });

  const cases = [
    ...atBoth.flatMap(([effect, once, staying]) => [
      { at: 'C_SignInit', effect, once, staying },
      { at: 'C_Sign', effect, once, staying },
    ]),
    ...atSignAlone.map(([effect, once, staying]) => ({ at: 'C_Sign', effect, once, staying })),
    { at: 'C_Sign', effect: emptied(path), once: 'TOKEN_FAILED', staying: 'TOKEN_FAILED' },
  ].map(
    ({ at, effect, once, staying }) => [`${at}: ${nameOf(effect)}`, { at, effect, once, staying }] as const,
  );

  test.each(cases)('%s', async (_, { at, effect, once, staying }) => {
    const { shim } = module;
    shim.watchSessions();
    for (const [times, expected] of [
      [1, once],
      [lasting, staying],
    ] as const) {
      const message = utf8(`message ${times}`);
      const outcome = await underFault(shim, { at, effect, times }, async () =>
        signAndVerify(key, path, message),
      );
      expect(outcome).toBe(expected);
      expect(shim.injected).toBeLessThanOrEqual(mostTries);
      if (outcome === 'PIN_REQUIRED') await key.unlock(pin);
      await signAndVerify(key, path, message);
      expect(shim.mostSessions).toBeLessThanOrEqual(maxSessions + 1);
    }
  });
});

function emptied(path: SigningPath): Effect {
  return { lengthen: path === 'RSA-2048' ? -256 : -64 };
}
