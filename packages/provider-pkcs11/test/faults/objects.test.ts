import { createPkcs11Provider, type Pkcs11Provider, type TokenKey } from '@countersign/provider-pkcs11';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeCertificate } from '../make-certificate.ts';
import { userPin, utf8 } from '../module-under-test.ts';
import { nameOf, type CkrName, type Effect } from '../shim/fault-shim.ts';
import { faultyToken, signAndVerify, uriOf, type FaultyToken } from '../shim/faulty-token.ts';
import { underFault, underFaultIfReached, type Outcome } from '../shim/outcome.ts';

const pin = utf8(userPin);

let module: FaultyToken;
let provider: Pkcs11Provider;
let key: TokenKey;
let first: Uint8Array;
let second: Uint8Array;

beforeAll(async () => {
  module = await faultyToken();
  provider = await createPkcs11Provider({ uri: uriOf(module), maxSessions: 2 });
  key = await provider.generate({ algorithm: 'p256', label: 'certified', pin });
  first = await makeCertificate(key, 'First');
  second = await makeCertificate(key, 'Second');
});

afterAll(async () => {
  await provider.close();
});

const table: readonly (readonly [CkrName | number, once: Outcome, staying: Outcome])[] = [
  ['CKR_DEVICE_MEMORY', 'TOKEN_FAILED', 'TOKEN_FAILED'],
  ['CKR_DEVICE_ERROR', 'TOKEN_FAILED', 'TOKEN_FAILED'],
  ['CKR_GENERAL_ERROR', 'TOKEN_FAILED', 'TOKEN_FAILED'],
  ['CKR_HOST_MEMORY', 'TOKEN_FAILED', 'TOKEN_FAILED'],
  ['CKR_FUNCTION_FAILED', 'TOKEN_FAILED', 'TOKEN_FAILED'],
  ['CKR_TOKEN_WRITE_PROTECTED', 'TOKEN_FAILED', 'TOKEN_FAILED'],
  ['CKR_TEMPLATE_INCONSISTENT', 'TOKEN_FAILED', 'TOKEN_FAILED'],
  [0x8000_0001, 'TOKEN_FAILED', 'TOKEN_FAILED'],
  ['CKR_TOKEN_NOT_PRESENT', 'TOKEN_NOT_PRESENT', 'TOKEN_NOT_PRESENT'],
  ['CKR_DEVICE_REMOVED', 'TOKEN_NOT_PRESENT', 'TOKEN_NOT_PRESENT'],
  ['CKR_SESSION_HANDLE_INVALID', 'recovered', 'TOKEN_FAILED'],
  ['CKR_SESSION_CLOSED', 'recovered', 'TOKEN_FAILED'],
  ['CKR_OBJECT_HANDLE_INVALID', 'recovered', 'TOKEN_FAILED'],
  ['CKR_OPERATION_ACTIVE', 'recovered', 'TOKEN_FAILED'],
  ['CKR_USER_NOT_LOGGED_IN', 'recovered', 'PIN_REQUIRED'],
];

test.each(table)(
  'putCertificate while C_CreateObject returns %s: once %s, staying %s',
  async (refuse, once, staying) => {
    for (const [times, expected] of [
      [1, once],
      [50, staying],
    ] as const) {
      await provider.putCertificate(key.ref, first);
      const fault = { at: 'C_CreateObject', effect: { refuse }, times } as const;
      const outcome = await underFault(module.shim, fault, async () =>
        provider.putCertificate(key.ref, second),
      );
      expect(outcome).toBe(expected);
      if (key.locked) await key.unlock(pin);
      expect(await provider.getCertificate(key.ref)).toEqual(outcome === 'recovered' ? second : first);
      expect(await provider.listCertificates()).toHaveLength(1);
      await signAndVerify(key, 'P-256', utf8('message'));
    }
  },
);

test.each(table)(
  'destroy while C_DestroyObject returns %s: once %s, staying %s',
  async (refuse, once, staying) => {
    const before = module.backDoor.objects();
    for (const [times, expected] of [
      [1, once],
      [50, staying],
    ] as const) {
      const made = await provider.generate({ algorithm: 'p256', label: 'passing', pin });
      await provider.putCertificate(made.ref, await makeCertificate(made, 'Passing'));
      const fault = { at: 'C_DestroyObject', effect: { refuse }, times } as const;
      const outcome = await underFault(module.shim, fault, async () => provider.destroy(made.ref));
      expect(outcome).toBe(expected);
      if (key.locked) await key.unlock(pin);
      if (outcome !== 'recovered') {
        if (made.locked) await made.unlock(pin);
        await signAndVerify(made, 'P-256', utf8('message'));
        await provider.destroy(made.ref);
      }
      expect(module.backDoor.objects()).toEqual(before);
    }
  },
);

const staleEffects: readonly Effect[] = [
  { refuse: 'CKR_SESSION_HANDLE_INVALID' },
  { refuse: 'CKR_OBJECT_HANDLE_INVALID' },
  { refuse: 'CKR_USER_NOT_LOGGED_IN' },
  'lose-session',
];

test.each(staleEffects.map((effect) => [nameOf(effect), effect] as const))(
  '%s at any object of a key that is destroyed: all of them go',
  async (_, effect) => {
    const before = module.backDoor.objects();
    // Private key, certificate, public key.
    for (const skip of [0, 1, 2]) {
      const made = await provider.generate({ algorithm: 'p256', label: 'passing', pin });
      await provider.putCertificate(made.ref, await makeCertificate(made, 'Passing'));
      const fault = { at: 'C_DestroyObject', effect, skip } as const;
      expect(await underFault(module.shim, fault, async () => provider.destroy(made.ref))).toBe('recovered');
      expect(module.backDoor.objects()).toEqual(before);
    }
  },
);

test.each(
  (
    [
      { refuse: 'CKR_GENERAL_ERROR' },
      { refuse: 'CKR_DEVICE_REMOVED' },
      { refuse: 'CKR_SESSION_CLOSED' },
      'lose-session',
    ] as const
  ).map((effect) => [nameOf(effect), effect] as const),
)('%s at any one call while a certificate is replaced: there is always one', async (_, effect) => {
  const { shim, backDoor } = module;
  await provider.putCertificate(key.ref, first);
  const objects = backDoor.objects().length;
  let reached = 0;
  for (let skip = 0; ; skip += 1) {
    const outcome = await underFaultIfReached(shim, { effect, skip }, async () =>
      provider.putCertificate(key.ref, second),
    );
    const where = `call ${skip}, ${shim.struckFunction}`;
    if (key.locked) await key.unlock(pin);
    const found = await provider.getCertificate(key.ref);
    const isDone = outcome === undefined || outcome === 'recovered';
    expect([first, ...(isDone ? [] : [second])], where).toContainEqual(isDone ? first : found);
    if (isDone) expect(found, where).toEqual(second);
    // Tried again, it leaves one alone.
    await provider.putCertificate(key.ref, first);
    expect(backDoor.objects(), where).toHaveLength(objects);
    if (outcome === undefined) break;
    reached += 1;
  }
  expect(reached).toBeGreaterThan(30);
});
