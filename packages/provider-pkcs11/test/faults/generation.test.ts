import type { KeyAlgorithm } from '@countersign/core';
import { createPkcs11Provider, type Pkcs11Provider, type TokenKey } from '@countersign/provider-pkcs11';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { userPin, utf8 } from '../module-under-test.ts';
import { nameOf, type CkrName, type Effect } from '../shim/fault-shim.ts';
import { faultyToken, signAndVerify, uriOf, type FaultyToken } from '../shim/faulty-token.ts';
import { underFault, underFaultIfReached, type Outcome } from '../shim/outcome.ts';

const pin = utf8(userPin);
const maxSessions = 2;

let module: FaultyToken;
let provider: Pkcs11Provider;
/** Sessions that the shim itself left open, as it refused C_CloseSession. */
let closesRefused = 0;

beforeAll(async () => {
  module = await faultyToken();
  provider = await createPkcs11Provider({ uri: uriOf(module), maxSessions });
});

afterAll(async () => {
  await provider.close();
  expect(module.shim.sessions).toBe(closesRefused);
});

const table: readonly (readonly [CkrName | number, Outcome])[] = [
  ['CKR_TOKEN_NOT_PRESENT', 'TOKEN_NOT_PRESENT'],
  ['CKR_DEVICE_REMOVED', 'TOKEN_NOT_PRESENT'],
  ['CKR_DEVICE_ERROR', 'TOKEN_FAILED'],
  ['CKR_DEVICE_MEMORY', 'TOKEN_FAILED'],
  ['CKR_HOST_MEMORY', 'TOKEN_FAILED'],
  ['CKR_GENERAL_ERROR', 'TOKEN_FAILED'],
  ['CKR_FUNCTION_FAILED', 'TOKEN_FAILED'],
  [0x8000_0001, 'TOKEN_FAILED'],
  ['CKR_SESSION_COUNT', 'TOKEN_FAILED'],
  ['CKR_TOKEN_WRITE_PROTECTED', 'TOKEN_FAILED'],
  ['CKR_MECHANISM_INVALID', 'ALGORITHM_NOT_SUPPORTED'],
  ['CKR_SESSION_HANDLE_INVALID', 'TOKEN_FAILED'],
  ['CKR_SESSION_CLOSED', 'TOKEN_FAILED'],
  ['CKR_OPERATION_ACTIVE', 'TOKEN_FAILED'],
  ['CKR_TEMPLATE_INCONSISTENT', 'TOKEN_FAILED'],
  ['CKR_USER_NOT_LOGGED_IN', 'PIN_REQUIRED'],
];

test.each(
  (['p256', 'rsa2048'] as const).flatMap((algorithm) =>
    table.map(([name, expected]) => [algorithm, name, expected] as const),
  ),
)(
  'a %s key: C_GenerateKeyPair keeps on returning %s: %s, and nothing is left',
  async (algorithm, refuse, expected) => {
    const before = module.backDoor.objects();
    const fault = { at: 'C_GenerateKeyPair', effect: { refuse }, times: 50 } as const;
    expect(await underFault(module.shim, fault, async () => generate(algorithm))).toBe(expected);
    expect(module.backDoor.objects()).toEqual(before);
  },
);

const effects: readonly Effect[] = [
  { refuse: 'CKR_GENERAL_ERROR' },
  { refuse: 'CKR_DEVICE_REMOVED' },
  { refuse: 'CKR_SESSION_HANDLE_INVALID' },
  { refuse: 'CKR_USER_NOT_LOGGED_IN' },
  { refuse: 'CKR_OPERATION_ACTIVE' },
  'lose-session',
];

test.each(effects.map((effect) => [nameOf(effect), effect] as const))(
  '%s at any one call while a key is made: a whole key and an answer, or none and a refusal',
  async (_, effect) => {
    const { shim, backDoor } = module;
    const before = backDoor.objects();
    let reached = 0;
    for (let skip = 0; ; skip += 1) {
      let key: TokenKey | undefined;
      const outcome = await underFaultIfReached(shim, { effect, skip }, async () => {
        key = await generate('p256');
      });
      const where = `call ${skip}, ${shim.struckFunction}`;
      expect(key === undefined, where).toBe(outcome !== 'recovered' && outcome !== undefined);
      expect(backDoor.objects(), where).toHaveLength(before.length + (key === undefined ? 0 : 2));
      if (key !== undefined) {
        if (key.locked) await key.unlock(pin);
        await signAndVerify(key, 'P-256', utf8('message'));
        await provider.destroy(key.ref);
        key.lock();
      }
      expect(backDoor.objects(), where).toEqual(before);
      if (outcome === undefined) break;
      if (shim.struckFunction === 'C_CloseSession' && effect !== 'lose-session') closesRefused += 1;
      expect(shim.sessions, where).toBeLessThanOrEqual(maxSessions + closesRefused);
      reached += 1;
    }
    expect(reached).toBeGreaterThan(30);
  },
);

async function generate(algorithm: KeyAlgorithm): Promise<TokenKey> {
  return provider.generate({ algorithm, label: 'made', pin });
}
